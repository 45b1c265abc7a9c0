mod absent;
mod facts;
mod fresh;
mod histories;
