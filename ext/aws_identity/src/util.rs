//! Small tools, one of each.

pub mod did_you_mean;
pub mod foreign_text;
pub mod mask;
pub mod path;
pub mod read_file;
pub mod replace_file;
pub mod secret_json;
pub mod shell_words;
pub mod time;
pub mod url;
pub mod watched_files;
