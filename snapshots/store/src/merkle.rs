//! Merkle tree hashes of RFC 6962 §2.1 with SHA-256, over leaves that are
//! hashed already.

use sha2::{Digest as _, Sha256};
use tidegate_model::Digest;

/// Computes a root while leaves arrive in order; keeps one hash per level.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tree {
    /// Roots of complete subtrees, largest first; a bit set in `count` stands
    /// for each.
    peaks: Vec<Digest>,
    count: u64,
}

impl Tree {
    /// Appends a leaf hash, `SHA-256(0x00 ‖ entry)`.
    pub(crate) fn push(&mut self, leaf: Digest) {
        let mut node = leaf;
        let mut level = self.count;
        while level & 1 == 1 {
            if let Some(left) = self.peaks.pop() {
                node = parent(&left, &node);
            }
            level >>= 1;
        }
        self.peaks.push(node);
        self.count += 1;
    }

    /// How many leaves there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The root; of no leaves it is the hash of nothing.
    pub(crate) fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Digest::of(&[]) };
        peaks.fold(*last, |right, left| parent(left, &right))
    }
}

fn parent(left: &Digest, right: &Digest) -> Digest {
    Digest(
        Sha256::new()
            .chain_update([1])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_leaf(entry: &[u8]) -> Digest {
        Digest(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// The entries and roots of the reference implementation of certificate
    /// transparency (`merkle_tree_test.cc`), for 0 to 8 leaves.
    #[test]
    fn roots_equal_the_known_vectors() {
        let entries: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        assert_eq!(tree.root().to_string(), roots[0]);
        for (entry, root) in entries.iter().zip(&roots[1..]) {
            tree.push(entry_leaf(entry));
            assert_eq!(tree.root().to_string(), *root, "{} leaves", tree.count());
        }
    }
}
