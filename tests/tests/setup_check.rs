//! `adjourn-backend check` on a set-up that is well, and on some that are not: each is told, with what to do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands, and says what it saw"
)]

use std::collections::HashMap;

use adjourn_testbed::{KEY, ORGANISER, SECRET, Testbed, Tools, free_port};

/// A set-up, as an operator would give it.
struct Given(HashMap<&'static str, String>);

impl Given {
    fn of(testbed: &Testbed, database: String) -> Self {
        Self(HashMap::from([
            ("ADJOURN_DATABASE", database),
            ("ADJOURN_PUBLIC_URL", testbed.backend.url.clone()),
            ("ADJOURN_ORGANISER_KEY", ORGANISER.to_owned()),
            ("LIVEKIT_URL", testbed.livekit.public_url.clone()),
            ("LIVEKIT_API_KEY", KEY.to_owned()),
            ("LIVEKIT_API_SECRET", SECRET.to_owned()),
            ("ADJOURN_ALLOW_HOOK_HOSTS", "127.0.0.1".to_owned()),
        ]))
    }

    fn but(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.0.clone();
        other.insert(name, value.to_owned());
        Self(other)
    }

    /// Whether it is said to work, and what is said of each thing: verdict and sentence.
    async fn checked(&self) -> (bool, HashMap<String, (String, String)>) {
        let program = Tools::binary("adjourn-backend").unwrap();
        let mut command = tokio::process::Command::new(program);
        let output = command.arg("check").env_clear().envs(&self.0).output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        println!("{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!said.contains(SECRET) && !said.contains(ORGANISER));
        let line = |line: &str| {
            let parts: Vec<&str> = line.splitn(3, '\t').collect();
            (parts[1].to_owned(), (parts[0].to_owned(), parts[2].to_owned()))
        };
        (output.status.success(), said.lines().map(line).collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_well_and_what_is_not_is_told_with_what_to_do() {
    for postgres in [false, true] {
        let testbed = Testbed::builder().postgres(postgres).webhooks(true).start().await.unwrap();
        let database = match &testbed.postgres {
            Some(postgres) => postgres.url(),
            None => testbed.folder().join("backend.db").to_string_lossy().into_owned(),
        };
        let given = Given::of(&testbed, database);
        let (works, said) = given.checked().await;
        assert!(works, "{said:?}");
        for about in
            ["database", "durability", "address", "LiveKit", "clocks", "LiveKit's webhooks", "webhooks"]
        {
            assert_eq!(said[about].0, "well", "{about}: {said:?}");
        }
        // A webhook that nobody takes is no reason to hold no interviews.
        let nobody = format!("http://127.0.0.1:{}/hook", free_port().unwrap());
        let add = ["hook", "add", "--allow-hook-host", "127.0.0.1", &nobody];
        testbed.backend.command(&add).await.unwrap();
        let (works, said) = given.checked().await;
        assert!(works && said["webhook"].0 == "warning", "{said:?}");
        assert!(said["webhook"].1.contains("can't be reached"), "{said:?}");

        for (name, value, about, does) in [
            ("LIVEKIT_API_SECRET", "another-secret-of-livekit-000000000", "LiveKit", "LIVEKIT_API_SECRET"),
            ("LIVEKIT_URL", "ws://127.0.0.1:9", "LiveKit", "is LIVEKIT_URL right?"),
            ("ADJOURN_PUBLIC_URL", "http://127.0.0.1:9", "address", "Start the server"),
        ] {
            let (works, said) = given.but(name, value).checked().await;
            assert!(!works && said[about].0 == "BAD" && said[about].1.contains(does), "{name}: {said:?}");
        }
        if postgres {
            continue;
        }
        // Another installation's database.
        let other = Testbed::builder().start().await.unwrap();
        let (works, said) = given.but("ADJOURN_PUBLIC_URL", &other.backend.url).checked().await;
        assert!(!works && said["address"].1.starts_with("Another server"), "{said:?}");
        // That one's LiveKit tells nobody.
        let given = Given::of(&other, other.folder().join("backend.db").to_string_lossy().into_owned());
        let (works, said) = given.checked().await;
        assert!(works && said["LiveKit's webhooks"].0 == "warning", "{said:?}");
        assert!(said["LiveKit's webhooks"].1.contains("/v1/livekit/webhook"), "{said:?}");
    }
}
