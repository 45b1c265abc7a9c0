mod absent;
mod across;
mod facts;
mod fresh;
mod histories;
