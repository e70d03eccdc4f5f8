//! Topic names and shards. A shard is a partition's index: all sharded topics have the same count, so that one student
//! stands on one shard in all of them.

use crate::kind::Domain;

/// Shards of every student topic unless configured otherwise; fixed for the log's life.
pub const DEFAULT_SHARDS: u32 = 12;

/// What stands before every topic name unless configured otherwise.
pub const DEFAULT_PREFIX: &str = "k12";

/// `<prefix>.<domain>.events.v1`
pub fn name(prefix: &str, domain: Domain) -> String {
    format!("{prefix}.{}.events.v1", domain.as_str())
}

/// The key of every record about a student: `district/student_key`.
pub fn student_key(district: &str, student: &crate::StudentKey) -> String {
    format!("{district}/{student}")
}

/// The shard of a key: murmur2 as Kafka's Java client computes it, positive, modulo the number of shards.
pub fn shard_of(key: &[u8], shards: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % shards
}

/// Kafka's murmur2 (`org.apache.kafka.common.utils.Utils.murmur2`, seed 0x9747b28c).
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash: u32 = 0x9747_b28c ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes(word.try_into().expect("a chunk of four"));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        k = k.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of Kafka's own UtilsTest.
    #[test]
    fn murmur2_agrees_with_kafka() {
        for (text, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, expected, "{text}");
        }
    }
}
