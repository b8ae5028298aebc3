pub mod capture;
pub mod decode;
pub mod ftp;
pub mod hash;
pub mod limits;
pub mod session;
pub mod tcp;
pub mod time;
