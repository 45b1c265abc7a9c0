mod absent;
mod across;
mod erased;
mod facts;
mod fresh;
mod histories;
