mod absent;
mod across;
mod cedar;
mod derived;
mod erased;
mod facts;
mod fresh;
mod histories;
