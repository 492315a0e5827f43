//! Small tools, one of each.

pub mod did_you_mean;
pub mod file_stamp;
pub mod foreign_text;
pub mod iam_policy;
pub mod json;
pub mod mask;
pub mod path;
pub mod random;
pub mod read_file;
pub mod replace_file;
pub mod secret_json;
pub mod shell_words;
pub mod system_error;
pub mod time;
pub mod url;
pub mod watched_files;
