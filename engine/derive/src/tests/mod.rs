mod access;
mod coverage;
mod histories;
mod memory;
mod robust;
mod workload;
