//! Facts that need several hops, computed once per snapshot.
