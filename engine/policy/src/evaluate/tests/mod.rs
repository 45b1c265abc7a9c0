mod absent;
mod across;
mod derived;
mod erased;
mod facts;
mod fresh;
mod histories;
