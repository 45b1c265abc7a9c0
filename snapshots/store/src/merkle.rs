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
        self.push_subtree(leaf, 0);
    }

    /// Appends the root over the next `2^height` leaves. So many leaves, times
    /// any number, must be there already.
    pub(crate) fn push_subtree(&mut self, root: Digest, height: u32) {
        debug_assert_eq!(self.count.trailing_zeros().min(height), height, "out of step");
        let mut node = root;
        let mut level = self.count >> height;
        while level & 1 == 1 {
            if let Some(left) = self.peaks.pop() {
                node = parent(&left, &node);
            }
            level >>= 1;
        }
        self.peaks.push(node);
        self.count += 1 << height;
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

/// The leaf of an entry: `SHA-256(0x00 ‖ entry)`.
pub(crate) fn entry_leaf(entry: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The root over leaves that are at hand.
pub(crate) fn root(leaves: &[Digest]) -> Digest {
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree.root()
}

/// The audit path of the leaf at `index`, from the leaf upwards, as `PATH` of
/// RFC 6962 §2.1.1; `None` if there is no such leaf.
pub(crate) fn path(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut part, mut index) = (leaves, index);
    let mut path = Vec::new();
    while part.len() > 1 {
        // The largest power of two that is smaller than the number of leaves.
        let (left, right) = part.split_at(part.len().next_power_of_two() / 2);
        if index < left.len() {
            path.push(root(right));
            part = left;
        } else {
            path.push(root(left));
            index -= left.len();
            part = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The root that a leaf at `index` of `count` has with this audit path; `None`
/// if the path is not as long as it must be.
pub(crate) fn root_of_path(
    leaf: Digest,
    index: u64,
    count: u64,
    path: &[Digest],
) -> Option<Digest> {
    if index >= count {
        return None;
    }
    let mut node = leaf;
    // The place of the node in its level, and that of the level's last.
    let (mut at, mut last) = (index, count - 1);
    let mut path = path.iter();
    while last > 0 {
        if at & 1 == 1 {
            node = parent(path.next()?, &node);
        } else if at < last {
            node = parent(&node, path.next()?);
        }
        // The last node of a level without a sibling rises as it is.
        (at, last) = (at >> 1, last >> 1);
    }
    path.next().is_none().then_some(node)
}

pub(crate) fn parent(left: &Digest, right: &Digest) -> Digest {
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
    use proptest::prelude::*;

    use super::*;

    /// `MTH` of RFC 6962 §2.1, word by word.
    fn naive(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [one] => *one,
            more => {
                let mut k = 1;
                while k * 2 < more.len() {
                    k *= 2;
                }
                parent(&naive(&more[..k]), &naive(&more[k..]))
            }
        }
    }

    fn leaves(n: usize) -> Vec<Digest> {
        (0..n).map(|i| entry_leaf(&i.to_le_bytes())).collect()
    }

    #[test]
    fn every_path_leads_to_the_root_and_no_other_place_does() {
        for n in 1..=33 {
            let leaves = leaves(n);
            assert_eq!(root(&leaves), naive(&leaves));
            for (i, leaf) in leaves.iter().enumerate() {
                let path = path(&leaves, i).unwrap();
                let at = |i: usize, n: usize| root_of_path(*leaf, i as u64, n as u64, &path);
                assert_eq!(at(i, n), Some(naive(&leaves)), "{i} of {n}");
                for other in (0..n + 3).filter(|&other| other != i) {
                    assert_ne!(at(other, n), Some(naive(&leaves)), "{i} as {other} of {n}");
                }
            }
            assert_eq!(path(&leaves, n), None);
        }
    }

    proptest! {
        #[test]
        fn subtrees_and_paths_equal_the_naive_tree(n in 1_usize..300, at in 0_usize..300, h in 0_u32..5) {
            let leaves = leaves(n);
            let mut tree = Tree::default();
            let blocks = leaves.chunks_exact(1 << h);
            let rest = blocks.remainder();
            blocks.for_each(|block| tree.push_subtree(naive(block), h));
            rest.iter().for_each(|leaf| tree.push(*leaf));
            prop_assert_eq!(tree.root(), naive(&leaves));
            prop_assert_eq!(tree.count(), n as u64);

            let at = at % n;
            let mut path = path(&leaves, at).unwrap();
            let proved = |path: &[Digest], leaf| root_of_path(leaf, at as u64, n as u64, path);
            prop_assert_eq!(proved(&path, leaves[at]), Some(naive(&leaves)));
            prop_assert_ne!(proved(&path, Digest::of(b"another")), Some(naive(&leaves)));
            path.push(Digest::of(b"too long"));
            prop_assert_eq!(proved(&path, leaves[at]), None);
            path.truncate(path.len().saturating_sub(2));
            prop_assert_ne!(proved(&path, leaves[at]), Some(naive(&leaves)).filter(|_| n > 1));
        }
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
