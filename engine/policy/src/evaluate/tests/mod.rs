mod absent;
mod across;
mod derived;
mod facts;
mod fresh;
mod histories;
