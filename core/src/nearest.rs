//! What someone who mistyped a name most likely meant.

/// How many names are suggested at most.
const SUGGESTIONS: usize = 5;

/// Names longer than this have no near ones: the distance takes time of both lengths together, and clients choose one of them.
const MAX_LEN: usize = 60;

/// What is known by a name near to `wanted`, nearest first; what is equally near comes in its own order.
pub fn nearest<T: Ord>(wanted: &str, known: impl IntoIterator<Item = (impl AsRef<str>, T)>) -> Vec<T> {
    if wanted.is_empty() || wanted.len() > MAX_LEN {
        return Vec::new();
    }
    let mut near: Vec<(usize, T)> = known
        .into_iter()
        .filter_map(|(name, meant)| {
            let name = name.as_ref();
            let distance = strsim::damerau_levenshtein(wanted, name);
            (distance <= wanted.len().div_ceil(3) || name.starts_with(wanted)).then_some((distance, meant))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(SUGGESTIONS).map(|(_, meant)| meant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near<'k>(wanted: &str, known: &[&'k str]) -> Vec<&'k str> {
        nearest(wanted, known.iter().map(|name| (*name, *name)))
    }

    #[test]
    fn a_mistyped_name_finds_the_nearest_ones_first() {
        assert_eq!(near("karken", &["kraken", "okx", "krakenfutures"]), ["kraken"]);
        assert_eq!(near("kraken", &["krakenfutures", "kraken"]), ["kraken", "krakenfutures"]);
        assert_eq!(near("zzz", &["kraken"]), [""; 0]);
    }

    #[test]
    fn an_absurdly_long_name_is_not_compared_at_all() {
        assert_eq!(near(&"k".repeat(10_000), &["kraken"]), [""; 0]);
    }
}
