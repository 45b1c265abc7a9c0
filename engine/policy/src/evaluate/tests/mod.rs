mod absent;
mod erased;
mod facts;
mod fresh;
mod histories;
