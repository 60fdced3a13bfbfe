//! Numbers that look random and are functions of their arguments: no state, so that asking twice answers twice the same.

/// One in the fixed-point numbers of [`wave`].
pub(super) const ONE: i64 = 1 << 16;

/// What a number is drawn for; numbers for one moment but different ends have nothing to do with each other.
#[derive(Clone, Copy)]
pub(super) enum Salt {
    Wave(u8),
    DayHigh,
    DayLow,
    DayVolume,
    Step,
    High,
    Low,
    Volume,
    TradeMoment,
    TradeSide,
    TradeVolume,
    BidGap,
    AskGap,
    BidVolume,
    AskVolume,
}

impl Salt {
    fn number(self) -> u64 {
        match self {
            Self::Wave(octave) => 0x100 + u64::from(octave),
            Self::DayHigh => 1,
            Self::DayLow => 2,
            Self::DayVolume => 3,
            Self::Step => 4,
            Self::High => 5,
            Self::Low => 6,
            Self::Volume => 7,
            Self::TradeMoment => 8,
            Self::TradeSide => 9,
            Self::TradeVolume => 10,
            Self::BidGap => 11,
            Self::AskGap => 12,
            Self::BidVolume => 13,
            Self::AskVolume => 14,
        }
    }
}

/// A number below `bound` (which must be above 0).
pub(super) fn draw(seed: u64, salt: Salt, at: i64, bound: i64) -> i64 {
    let bits = mix(mix(seed ^ mix(salt.number())) ^ at.cast_unsigned());
    // Half of the bits, so that the product with the bound keeps its place; the bias is far below what anyone sees.
    ((i128::from(bits >> 32) * i128::from(bound)) >> 32) as i64
}

/// A seed for each place of a series.
pub(super) fn seed_at(seed: u64, at: i64) -> u64 {
    mix(seed ^ mix(at.cast_unsigned()))
}

/// Value noise in −[`ONE`] to [`ONE`]: random at every multiple of `period`, smooth between.
pub(super) fn wave(seed: u64, octave: u8, at: i64, period: i64) -> i64 {
    let (cell, inside) = (at.div_euclid(period), at.rem_euclid(period));
    let value = |cell| draw(seed, Salt::Wave(octave), cell, 2 * ONE + 1) - ONE;
    let part = inside * ONE / period;
    // Smoothstep: 3x² − 2x³.
    let smooth = part * part / ONE * (3 * ONE - 2 * part) / ONE;
    let (from, to) = (value(cell), value(cell + 1));
    from + (to - from) * smooth / ONE
}

/// The finalizer of SplitMix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_below_their_bound_and_reach_both_ends() {
        let draws: Vec<i64> = (-500..500).map(|at| draw(7, Salt::Step, at, 10)).collect();
        assert_eq!((draws.iter().min(), draws.iter().max()), (Some(&0), Some(&9)));
    }

    #[test]
    fn a_wave_is_smooth_and_bounded() {
        for at in -1_000..1_000 {
            let (here, next) = (wave(7, 0, at, 100), wave(7, 0, at + 1, 100));
            assert!(here.abs() <= ONE);
            // The steepest slope of smoothstep is 1.5, over a height of 2.
            assert!((here - next).abs() <= 2 * ONE * 3 / 2 / 100 + 2, "{at}: {here} {next}");
        }
    }
}
