//! Counts with their nouns, for what people read.

/// "1 row", "2 rows": nouns that take an s.
pub fn plural(n: u64, one: &str) -> String {
    format!("{n} {}", noun(n, one))
}

/// "row", "rows": as [`plural`], where the number stands elsewhere.
pub fn noun(n: u64, one: &str) -> String {
    if n == 1 { one.to_owned() } else { format!("{one}s") }
}

/// "1 day is", "2 days are".
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2].map(|n| plural(n, "row")), ["0 rows", "1 row", "2 rows"]);
        let days = [0, 1, 21].map(|n| counted(n, "day is", "days are"));
        assert_eq!(days, ["0 days are", "1 day is", "21 days are"]);
    }
}
