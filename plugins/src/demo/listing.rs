//! The markets of the demo.

use marketd_core::{Decimal, Limits, Market, MarketType, Millis, OptionType, Precision, Range, time};

use super::noise::seed_at;
use super::path::{Bar, Path, scale};

/// Prices are counted in 10⁻¹⁰ of the quote currency, amounts in 10⁻⁸ of the base currency or of a contract.
const PRICE_PLACES: u32 = 10;
const AMOUNT_PLACES: u32 = 8;
const PRICE_ONE: i64 = 10_i64.pow(PRICE_PLACES);
const AMOUNT_ONE: i64 = 10_i64.pow(AMOUNT_PLACES);

/// When the future and the options end: 2027-03-26T08:00:00Z, a quarterly Friday.
const QUARTER_END: Millis = 1_806_048_000_000;
/// When the inactive market was taken off: 2026-01-01.
const DELISTED: Millis = 1_767_225_600_000;

const STRIKE: i64 = 100_000;
/// What an option is worth beyond its intrinsic value, at the money and in units of price, is half of this.
const TIME_VALUE: i64 = 6_000 * PRICE_ONE;

/// A coin in terms of another: the seed of its path, and the middle of its price.
#[derive(Clone, Copy)]
struct Coin(u64, i64);

const BTC: Coin = Coin(11, 90_000 * PRICE_ONE);
const ETH: Coin = Coin(12, 3_200 * PRICE_ONE);
const ETH_IN_BTC: Coin = Coin(13, 35 * PRICE_ONE / 1_000);
const SOL: Coin = Coin(14, 160 * PRICE_ONE);
const DOGE: Coin = Coin(15, 18 * PRICE_ONE / 100);
const XMR: Coin = Coin(16, 300 * PRICE_ONE);

/// What a market makes of the price of its coin.
#[derive(Clone, Copy, Debug)]
enum Pricing {
    /// So many parts per million above it.
    Basis(i64),
    /// An option to buy or sell at [`STRIKE`].
    Option(OptionType),
}

/// A market in short.
struct Row {
    kind: MarketType,
    /// Base, quote, and (of contracts) settle currency.
    names: [&'static str; 3],
    coin: Coin,
    pricing: Pricing,
    /// The tick size in units of price, the lot size in units of amount.
    tick: i64,
    lot: i64,
    /// The size of one contract in units of amount: of the base currency, or of the quote currency where that is not settled in.
    size: i64,
    lots_per_day: i64,
    ends: Option<Millis>,
}

const SPOT: Row = Row {
    kind: MarketType::Spot,
    names: ["BTC", "USDT", ""],
    coin: BTC,
    pricing: Pricing::Basis(0),
    tick: PRICE_ONE / 100,
    lot: AMOUNT_ONE / 100_000,
    size: AMOUNT_ONE,
    lots_per_day: 900_000_000,
    ends: None,
};

const SWAP: Row = Row {
    kind: MarketType::Swap,
    names: ["BTC", "USDT", "USDT"],
    pricing: Pricing::Basis(100),
    tick: PRICE_ONE / 10,
    lot: AMOUNT_ONE,
    size: AMOUNT_ONE / 1_000,
    lots_per_day: 30_000_000,
    ..SPOT
};

const FUTURE: Row = Row {
    kind: MarketType::Future,
    pricing: Pricing::Basis(12_000),
    lots_per_day: 3_000_000,
    ends: Some(QUARTER_END),
    ..SWAP
};

const OPTION: Row = Row {
    kind: MarketType::Option,
    tick: 5 * PRICE_ONE,
    size: AMOUNT_ONE / 100,
    lots_per_day: 90_000,
    ends: Some(QUARTER_END),
    ..SWAP
};

const ROWS: [Row; 12] = [
    SPOT,
    Row { names: ["ETH", "USDT", ""], coin: ETH, lot: AMOUNT_ONE / 10_000, ..SPOT },
    Row { names: ["ETH", "BTC", ""], coin: ETH_IN_BTC, tick: PRICE_ONE / 1_000_000, lot: AMOUNT_ONE / 10_000, ..SPOT },
    Row { names: ["SOL", "USDT", ""], coin: SOL, lot: AMOUNT_ONE / 1_000, ..SPOT },
    Row { names: ["DOGE", "USDT", ""], coin: DOGE, tick: PRICE_ONE / 100_000, lot: AMOUNT_ONE, ..SPOT },
    Row { names: ["XMR", "USDT", ""], coin: XMR, lot: AMOUNT_ONE / 1_000, ends: Some(DELISTED), ..SPOT },
    SWAP,
    Row { names: ["ETH", "USDT", "USDT"], coin: ETH, tick: PRICE_ONE / 100, size: AMOUNT_ONE / 100, ..SWAP },
    Row {
        names: ["BTC", "USD", "BTC"],
        pricing: Pricing::Basis(-50),
        tick: PRICE_ONE / 2,
        size: 100 * AMOUNT_ONE,
        ..SWAP
    },
    FUTURE,
    Row { pricing: Pricing::Option(OptionType::Call), ..OPTION },
    Row { pricing: Pricing::Option(OptionType::Put), ..OPTION },
];

/// Every market.
pub(super) fn all() -> Vec<Listing> {
    ROWS.iter().zip(0..).map(|(row, number)| Listing::new(row, number)).collect()
}

/// One market, and how its data comes about.
pub(super) struct Listing {
    market: Market,
    pub(super) path: Path,
    /// Of what is not shared with other markets of the coin.
    pub(super) seed: u64,
    pricing: Pricing,
    tick: i64,
    lot: i64,
    size: i64,
    ends: Option<Millis>,
}

impl Listing {
    fn new(row: &Row, number: i64) -> Self {
        let Coin(seed, middle) = row.coin;
        let mut listing = Self {
            market: describe(row),
            path: Path { seed, middle, lots_per_day: row.lots_per_day },
            seed: seed_at(seed, number),
            pricing: row.pricing,
            tick: row.tick,
            lot: row.lot,
            size: row.size,
            ends: row.ends,
        };
        listing.market.precision = Precision { amount: listing.amount(1), price: listing.price(1) };
        listing.market.limits = listing.limits(middle);
        listing
    }

    fn limits(&self, middle: i64) -> Limits {
        let typical = self.ticks(middle);
        let amount = Range { min: self.amount(1), max: self.amount(self.path.lots_per_day / 100) };
        let price = Range { min: self.price(1), max: self.price(typical * 10) };
        let cost = |amount: &Option<Decimal>| self.market.cost(&self.price(typical)?, amount.as_ref()?);
        let cost = Range { min: cost(&amount.min), max: cost(&amount.max) };
        Limits { amount, price, cost }
    }

    pub(super) fn id(&self) -> &str {
        &self.market.id
    }

    pub(super) fn symbol(&self) -> &str {
        &self.market.symbol
    }

    pub(super) fn is_contract(&self) -> bool {
        self.market.contract
    }

    pub(super) fn is_active(&self, now: Millis) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }

    /// The market as it is at a moment.
    pub(super) fn market(&self, now: Millis) -> Market {
        Market { active: Some(self.is_active(now)), ..self.market.clone() }
    }

    /// The last moment that there is data of.
    pub(super) fn moment(&self, now: Millis) -> Millis {
        self.ends.map_or(now, |ends| ends.min(now))
    }

    /// The price of the market in ticks, of the price of its coin. Where one coin costs more than another, so does the
    /// market (or less, where it is a put), so that extremes stay extremes.
    pub(super) fn ticks(&self, coin: i64) -> i64 {
        let price = match self.pricing {
            Pricing::Basis(parts) => scale(coin, 1_000_000 + parts, 1_000_000),
            Pricing::Option(OptionType::Call) => option_price(coin - STRIKE * PRICE_ONE),
            Pricing::Option(OptionType::Put) => option_price(STRIKE * PRICE_ONE - coin),
        };
        (price / self.tick).max(1)
    }

    /// The price of the coin beneath the market, to its tick size.
    pub(super) fn index_price(&self, coin: i64) -> Option<Decimal> {
        self.price(coin / self.tick)
    }

    /// A bar of the coin as one of the market, in ticks.
    pub(super) fn bar(&self, coin: &Bar) -> Bar {
        let (one, other) = (self.ticks(coin.high), self.ticks(coin.low));
        let (open, close) = (self.ticks(coin.open), self.ticks(coin.close));
        Bar { open, high: one.max(other), low: one.min(other), close, lots: coin.lots }
    }

    pub(super) fn price(&self, ticks: i64) -> Option<Decimal> {
        plain(ticks * self.tick, PRICE_PLACES)
    }

    pub(super) fn amount(&self, lots: i64) -> Option<Decimal> {
        plain(lots * self.lot, AMOUNT_PLACES)
    }

    /// How much was traded in bars of the market.
    pub(super) fn turnover(&self, bars: &[Bar]) -> Turnover {
        let mut turnover = Turnover { base: 0, quote: 0 };
        for bar in bars {
            // Within the extremes, so that the average over all bars is within theirs.
            let price = (bar.open + bar.high + bar.low + bar.close) / 4 * self.tick;
            let units = scale(bar.lots * self.lot, self.size, AMOUNT_ONE);
            if self.market.inverse == Some(true) {
                turnover.base += scale(units, PRICE_ONE, price);
                turnover.quote += units;
            } else {
                turnover.base += units;
                turnover.quote += scale(units, price, PRICE_ONE);
            }
        }
        turnover
    }

    /// The average price of a turnover in ticks; `None` when nothing was traded.
    pub(super) fn average(&self, turnover: &Turnover) -> Option<i64> {
        (turnover.base > 0).then(|| scale(turnover.quote, PRICE_ONE, turnover.base) / self.tick)
    }
}

/// How much was traded in units of amount.
pub(super) struct Turnover {
    base: i64,
    quote: i64,
}

impl Turnover {
    pub(super) fn base(&self) -> Option<Decimal> {
        plain(self.base, AMOUNT_PLACES)
    }

    pub(super) fn quote(&self) -> Option<Decimal> {
        plain(self.quote, AMOUNT_PLACES)
    }
}

fn plain(units: i64, places: u32) -> Option<Decimal> {
    Decimal::from(units).shifted(-places.cast_signed())
}

/// The price of an option that is so far in the money: a hyperbola between 0 and the intrinsic value.
fn option_price(inside: i64) -> i64 {
    let square = i128::from(inside).pow(2) + i128::from(TIME_VALUE).pow(2);
    ((i128::from(inside) + square.isqrt()) / 2) as i64
}

fn describe(row: &Row) -> Market {
    let [base, quote, settle] = row.names;
    let mut market = Market::spot(format!("{base}{quote}"), base, quote);
    market.kind = row.kind;
    if row.kind == MarketType::Swap {
        market.id.push_str("-PERP");
    }
    if row.kind != MarketType::Spot {
        market.settle = Some(settle.to_owned());
        market.contract_size = plain(row.size, AMOUNT_PLACES);
    }
    if matches!(row.kind, MarketType::Future | MarketType::Option) {
        market.expiry = row.ends;
        let date = row.ends.and_then(time::to_yymmdd).unwrap_or_default();
        market.id = format!("{}-{date}", market.id);
    }
    if let Pricing::Option(right) = row.pricing {
        let letter = if right == OptionType::Call { 'C' } else { 'P' };
        market.id = format!("{}-{STRIKE}-{letter}", market.id);
        market.strike = Some(Decimal::from(STRIKE));
        market.option_type = Some(right);
    }
    market.complete();
    market
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_moments_are_what_they_say() {
        assert_eq!(time::from_iso("2027-03-26T08:00:00Z"), Some(QUARTER_END));
        assert_eq!(time::from_iso("2026-01-01"), Some(DELISTED));
    }

    #[test]
    fn there_is_one_of_every_kind_with_every_field_of_it() {
        let markets: Vec<Market> = all().iter().map(|listing| listing.market(QUARTER_END - 1)).collect();
        let symbols: Vec<&str> = markets.iter().map(|market| market.symbol.as_str()).collect();
        let expected = [
            "BTC/USDT",
            "ETH/USDT",
            "ETH/BTC",
            "SOL/USDT",
            "DOGE/USDT",
            "XMR/USDT",
            "BTC/USDT:USDT",
            "ETH/USDT:USDT",
            "BTC/USD:BTC",
            "BTC/USDT:USDT-270326",
            "BTC/USDT:USDT-270326-100000-C",
            "BTC/USDT:USDT-270326-100000-P",
        ];
        assert_eq!(symbols, expected);
        for market in &markets {
            let json = serde_json::to_string(market).expect("serializes");
            assert_eq!(market.active, Some(market.symbol != "XMR/USDT"), "{json}");
            assert_eq!(market.contract_size.is_some(), market.contract, "{json}");
            assert!(!json.contains(r#""min":null"#) && !json.contains(r#""max":null"#), "{json}");
            assert!(market.precision.amount.is_some() && market.precision.price.is_some(), "{json}");
        }
        assert_eq!(markets[8].inverse, Some(true));
        assert_eq!(markets[10].option_type, Some(OptionType::Call));
    }

    #[test]
    fn the_price_of_an_option_follows_its_coin_and_is_worth_its_intrinsic_value() {
        let listings = all();
        let (call, put) = (&listings[10], &listings[11]);
        let at = |coin: i64| (call.ticks(coin * PRICE_ONE), put.ticks(coin * PRICE_ONE));
        let prices: Vec<(i64, i64)> = (60_000..140_000).step_by(1_000).map(at).collect();
        assert!(prices.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 >= pair[1].1));
        // In ticks of 5: at the money half the time value, far in the money little more than 30,000.
        assert_eq!(at(100_000), (600, 600));
        assert!((6_000..6_100).contains(&at(130_000).0), "{:?}", at(130_000));
    }
}
