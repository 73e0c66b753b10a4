//! The library from outside: files are put into a directory as people do, and what is told of it is followed.

mod stage;

mod bad_files;
mod deploying;
mod orders;
mod restart;
mod rivals;
mod shadow;
mod strikes;
mod under_load;
