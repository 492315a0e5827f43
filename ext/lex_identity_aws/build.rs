//! Passes the Ruby version on as `cfg`, which magnus' macros look at.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _ = rb_sys_env::activate()?;
    Ok(())
}
