//! `adjourn-backend check`: whether what an interview needs is there.

use adjourn_backend::hooks::Courier;
use adjourn_backend::setup_check::Setup;
use adjourn_backend::store::{Open, Store};

use crate::say;
use crate::serve_command::Arguments;

/// Looks, and says what is found as it is found.
///
/// # Errors
/// A setting is not usable; something is not as interviews need it; nobody reads what is said.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (public_url, livekit) = (arguments.public_url()?, arguments.livekit()?);
    let courier = Courier::new(arguments.hook_hosts()?)?;
    let store = Store::open(arguments.database(), Open::Existing).await?;
    let setup = Setup { store: store.clone(), livekit, public_url, courier };
    let mut said = Ok(());
    let works = setup
        .look(|finding| {
            if said.is_ok() {
                said = say(&finding.to_string());
            }
        })
        .await;
    store.close().await;
    said?;
    anyhow::ensure!(works, "interviews can't be held like this: see what is BAD above");
    Ok(())
}
