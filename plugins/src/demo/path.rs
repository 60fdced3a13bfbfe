//! The price of a coin as a function of time, from the top down.
//!
//! A day is a bar between two points of a smooth curve. It is split into 24 hours that together are exactly that bar: they
//! begin and end where it does, one of them reaches its high and one its low, and their volumes add up. Hours are split into
//! minutes in the same way, and within a minute the price goes in straight lines past both extremes. So a candle of any
//! length is cheap, at any moment, and agrees with all others to the last digit.

use marketd_core::Millis;

use super::noise::{ONE, Salt, draw, seed_at, wave};

pub(super) const SECOND: Millis = 1_000;
pub(super) const MINUTE: Millis = 60 * SECOND;
pub(super) const HOUR: Millis = 60 * MINUTE;
pub(super) const DAY: Millis = 24 * HOUR;

/// How many trades a minute has.
const TRADES: i64 = 12;

/// The waves that make up the price: their period in days, and how far they go from the middle, in parts per million.
const WAVES: [(i64, i64); 6] = [(512, 160_000), (128, 80_000), (32, 50_000), (8, 30_000), (2, 15_000), (1, 8_000)];
const MILLION: i64 = 1_000_000;

/// How far the extremes of a day are beyond its first and last price, at most, in parts per million.
const WICK: i64 = 15_000;

/// What happened in some time. Prices are in units of the path's own, amounts in lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) open: i64,
    pub(super) high: i64,
    pub(super) low: i64,
    pub(super) close: i64,
    pub(super) lots: i64,
}

/// One trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    /// Counts all trades; later ones have greater ones.
    pub(super) number: i64,
    pub(super) at: Millis,
    pub(super) price: i64,
    pub(super) lots: i64,
    /// Whether the taker bought.
    pub(super) is_buy: bool,
}

/// How a price moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) seed: u64,
    /// What the price moves around.
    pub(super) middle: i64,
    /// What is traded in a usual day.
    pub(super) lots_per_day: i64,
}

impl Path {
    /// The price at the beginning of a day.
    fn level(&self, day: i64) -> i64 {
        let octaves = (0_u8..).zip(WAVES);
        let parts: i64 =
            octaves.map(|(octave, (period, height))| wave(self.seed, octave, day, period) * height / ONE).sum();
        scale(self.middle, MILLION + parts, MILLION)
    }

    fn day(&self, day: i64) -> Bar {
        let (open, close) = (self.level(day), self.level(day + 1));
        let wick = |salt| scale(open, 1_000 + draw(self.seed, salt, day, WICK), MILLION);
        let activity = MILLION / 2 + draw(self.seed, Salt::DayVolume, day, MILLION);
        Bar {
            open,
            high: open.max(close) + wick(Salt::DayHigh),
            low: open.min(close) - wick(Salt::DayLow),
            close,
            lots: scale(self.lots_per_day, activity, MILLION),
        }
    }
}

/// A path being followed: keeps the day and the hour that it is in, as neighbours are asked for one after another.
pub(super) struct Walk<'a> {
    path: &'a Path,
    day: Option<i64>,
    hours: Vec<Bar>,
    hour: Option<i64>,
    minutes: Vec<Bar>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path, day: None, hours: Vec::new(), hour: None, minutes: Vec::new() }
    }

    /// The bar of an hour, counted from 1970.
    fn hour(&mut self, hour: i64) -> Bar {
        let day = hour.div_euclid(24);
        if self.day != Some(day) {
            self.hours = split(&self.path.day(day), 24, seed_at(self.path.seed, day * DAY));
            self.day = Some(day);
        }
        self.hours[hour.rem_euclid(24) as usize]
    }

    /// The bar of a minute, counted from 1970.
    fn minute(&mut self, minute: i64) -> Bar {
        let hour = minute.div_euclid(60);
        if self.hour != Some(hour) {
            // The seeds of days and hours are those of different moments: an hour's is past its beginning.
            self.minutes = split(&self.hour(hour), 60, seed_at(self.path.seed, hour * HOUR + 1));
            self.hour = Some(hour);
        }
        self.minutes[minute.rem_euclid(60) as usize]
    }

    /// The price at a moment.
    pub(super) fn price(&mut self, at: Millis) -> i64 {
        self.minute(at.div_euclid(MINUTE)).price(at.rem_euclid(MINUTE))
    }

    /// What happened from the beginning of a minute until a moment, in bars that follow each other.
    pub(super) fn bars(&mut self, from: Millis, until: Millis) -> Vec<Bar> {
        let (mut bars, mut at) = (Vec::new(), from);
        while at < until {
            let whole = |length: Millis| at % length == 0 && until - at >= length;
            let (bar, length) = if whole(DAY) {
                (self.path.day(at / DAY), DAY)
            } else if whole(HOUR) {
                (self.hour(at / HOUR), HOUR)
            } else if whole(MINUTE) {
                (self.minute(at.div_euclid(MINUTE)), MINUTE)
            } else {
                (self.part(at.div_euclid(MINUTE), until), MINUTE)
            };
            bars.push(bar);
            at += length;
        }
        bars
    }

    /// What happened in a minute until a moment within it.
    fn part(&mut self, minute: i64, until: Millis) -> Bar {
        let bar = self.minute(minute);
        let elapsed = until - minute * MINUTE;
        let close = bar.price(elapsed);
        let passed = || bar.corners().into_iter().filter(|(at, _)| *at <= elapsed).map(|(_, price)| price);
        let traded = self.prints(minute).into_iter().filter(|print| print.at < until);
        Bar {
            open: bar.open,
            high: passed().fold(close, i64::max),
            low: passed().fold(close, i64::min),
            close,
            lots: traded.map(|print| print.lots).sum(),
        }
    }

    /// The trades of a minute. Their amounts add up to that of the minute.
    pub(super) fn prints(&mut self, minute: i64) -> Vec<Print> {
        const SLOT: Millis = MINUTE / TRADES;
        let (seed, bar) = (self.path.seed, self.minute(minute));
        let numbers = minute * TRADES..(minute + 1) * TRADES;
        let weights: Vec<i64> =
            numbers.clone().map(|number| 1 + draw(seed, Salt::TradeVolume, number, 5_000)).collect();
        let print = |(number, lots): (i64, i64)| {
            let at = number * SLOT + draw(seed, Salt::TradeMoment, number, SLOT);
            let is_buy = draw(seed, Salt::TradeSide, number, 2) == 0;
            Print { number, at, price: bar.price(at - minute * MINUTE), lots, is_buy }
        };
        numbers.zip(shares(bar.lots, &weights)).map(print).collect()
    }
}

impl Bar {
    /// Several bars that follow each other, as one.
    pub(super) fn joined(bars: impl IntoIterator<Item = Self>) -> Option<Self> {
        bars.into_iter().reduce(|all, next| Self {
            open: all.open,
            high: all.high.max(next.high),
            low: all.low.min(next.low),
            close: next.close,
            lots: all.lots + next.lots,
        })
    }

    /// The way through a minute: from the first price past both extremes to the last one.
    fn corners(&self) -> [(Millis, i64); 4] {
        let (first, second) = if self.close >= self.open { (self.low, self.high) } else { (self.high, self.low) };
        [(0, self.open), (20 * SECOND, first), (40 * SECOND, second), (MINUTE, self.close)]
    }

    /// The price so many milliseconds into a minute.
    fn price(&self, elapsed: Millis) -> i64 {
        let corners = self.corners();
        let leg = corners.windows(2).find(|leg| elapsed < leg[1].0);
        leg.map_or(self.close, |leg| leg[0].1 + scale(leg[1].1 - leg[0].1, elapsed - leg[0].0, leg[1].0 - leg[0].0))
    }
}

/// Splits a bar into parts that together are that bar.
fn split(bar: &Bar, parts: i64, seed: u64) -> Vec<Bar> {
    let spread = (bar.high - bar.low) / parts.isqrt();
    // A random walk that is bent so that it ends where the bar does (a Brownian bridge).
    let mut walk = vec![0];
    walk.extend((0..parts).scan(0, |sum, part| {
        *sum += draw(seed, Salt::Step, part, 2 * ONE + 1) - ONE;
        Some(*sum)
    }));
    let end = walk[parts as usize];
    let point = |part: i64| {
        let bent = walk[part as usize] * parts - end * part;
        bar.open + scale(bar.close - bar.open, part, parts) + scale(spread, bent, ONE * parts)
    };
    let weights: Vec<i64> = (0..parts).map(|part| 1_000 + draw(seed, Salt::Volume, part, 4_000)).collect();
    let part = |(part, lots): (i64, i64)| {
        let (open, close) = (point(part), point(part + 1));
        let wick = |salt| draw(seed, salt, part, spread / 4 + 1);
        let (high, low) = (open.max(close) + wick(Salt::High), open.min(close) - wick(Salt::Low));
        Bar { open, high, low, close, lots }
    };
    let mut bars: Vec<Bar> = (0..parts).zip(shares(bar.lots, &weights)).map(part).collect();
    fit(&mut bars, bar);
    bars
}

/// Stretches what is beyond the first and last price so that the extremes of all bars are those of the whole.
fn fit(bars: &mut [Bar], whole: &Bar) {
    let (top, bottom) = (whole.open.max(whole.close), whole.open.min(whole.close));
    let above = bars.iter().map(|bar| bar.high - top).max().unwrap_or_default();
    let below = bars.iter().map(|bar| bottom - bar.low).max().unwrap_or_default();
    let fitted = |price: i64| {
        if price > top {
            top + scale(price - top, whole.high - top, above)
        } else if price < bottom {
            bottom - scale(bottom - price, bottom - whole.low, below)
        } else {
            price
        }
    };
    for bar in bars.iter_mut() {
        let Bar { open, high, low, close, lots } = *bar;
        *bar = Bar { open: fitted(open), high: fitted(high), low: fitted(low), close: fitted(close), lots };
    }
    // Where nothing was beyond, there was nothing to stretch.
    if let Some(highest) = bars.iter_mut().max_by_key(|bar| bar.high) {
        highest.high = whole.high;
    }
    if let Some(lowest) = bars.iter_mut().min_by_key(|bar| bar.low) {
        lowest.low = whole.low;
    }
}

/// Divides a whole by weights, without a remainder.
fn shares(whole: i64, weights: &[i64]) -> impl Iterator<Item = i64> {
    let sum: i64 = weights.iter().sum();
    weights.iter().scan(0, move |before, weight| {
        let from = scale(whole, *before, sum);
        *before += weight;
        Some(scale(whole, *before, sum) - from)
    })
}

/// `value × numerator / denominator` without overflow on the way.
pub(super) fn scale(value: i64, numerator: i64, denominator: i64) -> i64 {
    (i128::from(value) * i128::from(numerator) / i128::from(denominator)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path = Path { seed: 1, middle: 900_000_000_000_000, lots_per_day: 1_000_003 };
    const TODAY: i64 = 20_781;

    fn is_sound(bar: &Bar) -> bool {
        bar.low <= bar.open.min(bar.close) && bar.open.max(bar.close) <= bar.high && bar.low > 0 && bar.lots >= 0
    }

    #[test]
    fn the_parts_of_a_bar_together_are_that_bar() {
        for day in TODAY..TODAY + 50 {
            let whole = PATH.day(day);
            let mut walk = Walk::new(&PATH);
            let hours: Vec<Bar> = (0..24).map(|hour| walk.hour(day * 24 + hour)).collect();
            let minutes: Vec<Bar> = (0..1_440).map(|minute| walk.minute(day * 1_440 + minute)).collect();
            assert!(hours.iter().chain(&minutes).all(is_sound));
            assert_eq!(Bar::joined(hours), Some(whole));
            assert!(minutes.windows(2).all(|pair| pair[0].close == pair[1].open));
            assert_eq!(Bar::joined(minutes), Some(whole));
        }
    }

    #[test]
    fn a_day_begins_where_the_one_before_ended() {
        assert!((-100..100).all(|day| PATH.day(day).close == PATH.day(day + 1).open));
    }

    #[test]
    fn the_price_stays_within_its_plausible_range() {
        let days: Vec<Bar> = (0..30_000).map(|day| PATH.day(day)).collect();
        let all = Bar::joined(days).expect("days");
        assert!(all.low > PATH.middle * 6 / 10 && all.high < PATH.middle * 14 / 10, "{all:?}");
        assert!(all.high - all.low > PATH.middle / 3, "{all:?}");
    }

    #[test]
    fn a_part_of_a_minute_grows_into_the_minute() {
        let (mut walk, minute) = (Walk::new(&PATH), TODAY * 1_440 + 77);
        let whole = walk.minute(minute);
        let start = minute * MINUTE;
        let mut before = walk.part(minute, start + 1);
        for until in (start + 2..start + MINUTE).step_by(500) {
            let part = walk.part(minute, until);
            assert!(is_sound(&part) && part.high >= before.high && part.low <= before.low && part.lots >= before.lots);
            assert_eq!(part.close, walk.price(until));
            before = part;
        }
        assert!(before.high == whole.high && before.low == whole.low && before.lots <= whole.lots);
    }

    #[test]
    fn trades_add_up_to_their_minute_and_stay_within_it() {
        let (mut walk, minute) = (Walk::new(&PATH), TODAY * 1_440 + 77);
        let bar = walk.minute(minute);
        let prints = walk.prints(minute);
        assert_eq!(prints.iter().map(|print| print.lots).sum::<i64>(), bar.lots);
        assert!(prints.iter().all(|print| (bar.low..=bar.high).contains(&print.price)));
        assert!(prints.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].number < pair[1].number));
    }
}
