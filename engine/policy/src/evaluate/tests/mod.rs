mod absent;
mod derived;
mod facts;
mod fresh;
mod histories;
