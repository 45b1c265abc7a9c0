mod facts;
mod fresh;
mod histories;
