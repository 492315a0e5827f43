//! Passes the Ruby version on as `cfg`, which magnus' macros look at.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Without it cargo looks at every file here. RubyGems puts the library among them before it
    // runs make again to install it, and everything would be compiled a second time.
    println!("cargo:rerun-if-changed=build.rs");
    let _ = rb_sys_env::activate()?;
    Ok(())
}
