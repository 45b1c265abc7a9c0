//! Reads what is in a Kubernetes cluster.
