//! Answers that are not as they should be.

use adjourn_protocol::{ReceiptClaims, sha256};
use anyhow::Context as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::fault::{Forged, Mutation};
use super::message::Message;
use crate::{resigned, unix_now};

/// Makes receipts with a key of its own.
pub(super) struct Forger {
    signing: EncodingKey,
    public: String,
    silent: std::net::TcpListener,
    tls: std::net::TcpListener,
}

/// Name of the forger's key.
const KID: &str = "forger";

impl Forger {
    pub(super) fn new() -> anyhow::Result<Self> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .ok()
            .context("no key could be made")?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).ok().context("the key can't be read")?;
        // Taken by the system's backlog and never answered.
        let listen = || std::net::TcpListener::bind(("127.0.0.1", 0));
        Ok(Self {
            signing: EncodingKey::from_ed_der(pkcs8.as_ref()),
            public: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            silent: listen()?,
            tls: listen()?,
        })
    }

    /// Changes the answer to a join.
    pub(super) fn twist(&self, twist: Mutation, answer: &mut Message) -> anyhow::Result<()> {
        let mut body: Value = serde_json::from_slice(&answer.body).context("no JSON to twist")?;
        if twist == Mutation::AddKey {
            let key = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KID, "x": self.public});
            body["receipt_keys"]["keys"].as_array_mut().context("no keys")?.push(key);
        } else {
            let livekit = body["livekit"].as_object_mut().context("no room to twist")?;
            let token = livekit["token"].as_str().context("no token")?.to_owned();
            let now = unix_now() as i64;
            let resign = |key: Option<&str>, change: &dyn Fn(&mut Value)| resigned(&token, key, change);
            match twist {
                Mutation::Expired => {
                    livekit["token"] = resign(None, &|claims| claims["exp"] = (now - 3_600).into())?.into();
                }
                Mutation::Early => {
                    let early = |claims: &mut Value| claims["nbf"] = (now + 3_600).into();
                    livekit["token"] = resign(None, &early)?.into();
                }
                Mutation::WrongKey => {
                    let key = "another-secret-another-secret-another";
                    livekit["token"] = resign(Some(key), &|_| {})?.into();
                }
                Mutation::NoData => {
                    let mute = |claims: &mut Value| claims["video"]["canPublishData"] = false.into();
                    livekit["token"] = resign(None, &mute)?.into();
                }
                Mutation::NoHost => livekit["url"] = "wss://livekit.invalid".into(),
                // Port 1 of this machine: nobody listens there.
                Mutation::Refused => livekit["url"] = "ws://127.0.0.1:1".into(),
                Mutation::Tls => {
                    self.answer_with_bad_certificate()?;
                    livekit["url"] = format!("wss://{}", self.tls.local_addr()?).into();
                }
                Mutation::SilentHost => livekit["url"] = format!("ws://{}", self.silent.local_addr()?).into(),
                Mutation::AddKey => {}
            }
        }
        answer.body = body.to_string().into_bytes();
        Ok(())
    }

    /// Shows every client a certificate that nobody vouches for.
    fn answer_with_bad_certificate(&self) -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?.keep();
        crate::certificate(&folder, "evil", None)?;
        let acceptor = super::acceptor(&folder, "evil")?;
        std::fs::remove_dir_all(&folder)?;
        let listener = self.tls.try_clone()?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Refused by the client, as it should be.
                let _ = acceptor.accept(stream).await;
            }
        });
        Ok(())
    }

    /// A receipt for the record in `request`.
    pub(super) fn receipt(&self, forged: Forged, request: &Message) -> anyhow::Result<String> {
        let path: Vec<&str> = request.start.split(' ').nth(1).unwrap_or_default().split('/').collect();
        let &["", "v1", "interviews", id, "attempts", attempt, "records", source] = path.as_slice() else {
            anyhow::bail!("{} is no record", request.start)
        };
        let bytes = if forged == Forged::OtherHash { &b"other bytes"[..] } else { &request.body[..] };
        let claims = ReceiptClaims {
            receipt_id: "R-FORGED".to_owned(),
            interview_id: id.to_owned(),
            attempt: attempt.parse()?,
            source: source.parse()?,
            sha256: sha256(bytes),
            bytes: i64::try_from(bytes.len())?,
            received_at: chrono::Utc::now(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(if forged == Forged::UnknownKey { "nobody" } else { KID }.to_owned());
        let jws = jsonwebtoken::encode(&header, &claims, &self.signing)?;
        if forged != Forged::BadSignature {
            return Ok(jws);
        }
        let (text, signature) = jws.rsplit_once('.').context("no signature")?;
        let mut signature = URL_SAFE_NO_PAD.decode(signature)?;
        signature[7] ^= 1;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
