//! Digest authentication, both ways (RFC 3261, 22; RFC 8760): SHA-256 preferred, MD5 for old phones.
//!
//! Our nonces carry their time and the source they were given to, sealed by a key of this process: nothing is stored
//! for a challenge, and a nonce is worth nothing from another address.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::api::Credentials;
use crate::random;

/// What is wrong with an Authorization header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// None there, or not ours: challenge.
    Absent,
    /// Right nonce, too old: challenge with `stale=true`, no failure counted.
    Stale,
    /// Wrong password or unknown user.
    Wrong,
}

/// Makes and checks our own challenges.
pub(crate) struct Challenger {
    key: [u8; 32],
    realm: String,
}

impl Challenger {
    pub fn new(realm: &str) -> Self {
        let mut key = [0; 32];
        key.copy_from_slice(random::text(32).as_bytes());
        Self { key, realm: realm.replace(['"', '\\', '\r', '\n'], "") }
    }

    /// The values of two challenge headers, the stronger first. `now_s`: seconds on any clock that does not jump.
    pub fn challenge(&self, source: IpAddr, now_s: u64, stale: bool) -> [String; 2] {
        let nonce = self.nonce(source, now_s);
        let stale = if stale { ", stale=true" } else { "" };
        ["SHA-256", "MD5"].map(|algorithm| {
            format!("Digest realm=\"{}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}", self.realm)
        })
    }

    /// Checks an Authorization value; gives the user. `password` finds a user's password; its absence costs the same
    /// time and looks the same as a wrong one.
    pub fn verify(
        &self,
        value: &str,
        method: &str,
        source: IpAddr,
        now_s: u64,
        password: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Denied> {
        let given = Params::parse(value).ok_or(Denied::Absent)?;
        let algorithm = Algorithm::named(given.find("algorithm").unwrap_or("MD5")).ok_or(Denied::Absent)?;
        let field = |name| given.find(name).ok_or(Denied::Absent);
        let (user, nonce, uri, response) = (field("username")?, field("nonce")?, field("uri")?, field("response")?);
        if field("realm")? != self.realm {
            return Err(Denied::Absent);
        }
        self.check_nonce(nonce, source, now_s)?;
        let (known, word) = match password(user) {
            Some(word) => (true, word),
            None => (false, "no such user, same work".into()),
        };
        let ha1 = algorithm.hash(&format!("{user}:{}:{word}", self.realm));
        let ha2 = algorithm.hash(&format!("{method}:{uri}"));
        let expected = match given.find("qop") {
            None => algorithm.hash(&format!("{ha1}:{nonce}:{ha2}")),
            Some("auth") => {
                let (nc, cnonce) = (field("nc")?, field("cnonce")?);
                algorithm.hash(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"))
            }
            Some(_) => return Err(Denied::Absent),
        };
        let same = is_same(expected.as_bytes(), response.to_ascii_lowercase().as_bytes());
        if same && known { Ok(user.to_string()) } else { Err(Denied::Wrong) }
    }

    fn nonce(&self, source: IpAddr, now_s: u64) -> String {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(source.to_canonical().to_string().as_bytes());
        mac.update(&now_s.to_be_bytes());
        format!("{now_s:012x}{}", hex(&mac.finalize().into_bytes()[..16]))
    }

    fn check_nonce(&self, nonce: &str, source: IpAddr, now_s: u64) -> Result<(), Denied> {
        let given_s = nonce.get(..12).and_then(|head| u64::from_str_radix(head, 16).ok()).ok_or(Denied::Absent)?;
        if !is_same(self.nonce(source, given_s).as_bytes(), nonce.as_bytes()) {
            return Err(Denied::Absent);
        }
        if now_s.saturating_sub(given_s) > NONCE_LIFE_S { Err(Denied::Stale) } else { Ok(()) }
    }
}

/// Is this challenge stale, that is: the password was right, the nonce old?
pub(crate) fn is_stale(challenge: &str) -> bool {
    Params::parse(challenge)
        .is_some_and(|params| params.find("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")))
}

/// The Authorization value for one of the challenges: the strongest that we know. `None`: none is for us.
pub(crate) fn answer<'a>(
    challenges: impl Iterator<Item = &'a str>,
    credentials: &Credentials,
    method: &str,
    uri: &str,
) -> Option<String> {
    let (algorithm, params) = challenges
        .filter_map(|value| {
            let params = Params::parse(value)?;
            let algorithm = Algorithm::named(params.find("algorithm").unwrap_or("MD5"))?;
            let is_ours = credentials.realm.as_deref().is_none_or(|realm| params.find("realm") == Some(realm));
            is_ours.then_some((algorithm, params))
        })
        .max_by_key(|(algorithm, _)| *algorithm)?;
    let (realm, nonce) = (params.find("realm")?, params.find("nonce")?);
    let user = credentials.user.replace(['"', '\\', '\r', '\n'], "");
    let ha1 = algorithm.hash(&format!("{user}:{realm}:{}", credentials.password));
    let ha2 = algorithm.hash(&format!("{method}:{uri}"));
    let mut value = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm={}",
        algorithm.name()
    );
    match params.find("qop") {
        None => {
            let response = algorithm.hash(&format!("{ha1}:{nonce}:{ha2}"));
            value.push_str(&format!(", response=\"{response}\""));
        }
        Some(offered) if offered.split(',').any(|qop| qop.trim() == "auth") => {
            let cnonce = random::text(16);
            let response = algorithm.hash(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"));
            value.push_str(&format!(", response=\"{response}\", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
        }
        Some(_) => return None,
    }
    if let Some(opaque) = params.find("opaque") {
        value.push_str(&format!(", opaque=\"{opaque}\""));
    }
    Some(value)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            name if name.eq_ignore_ascii_case("md5") => Some(Self::Md5),
            name if name.eq_ignore_ascii_case("sha-256") => Some(Self::Sha256),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

/// `name=value, name="value"` after the word Digest.
struct Params<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Params<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let params = crate::message::split_list(rest).take(32).filter_map(|param| {
            let (name, value) = param.split_once('=')?;
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
            (!value.contains(['"', '\\'])).then_some((name.trim(), value))
        });
        Some(Self(params.collect()))
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares without telling by its time where they differ.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

const NONCE_LIFE_S: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Credentials {
        Credentials { user: "anna".into(), password: "secret".into(), realm: None }
    }

    fn verify(challenger: &Challenger, value: &str, source: &str, now_s: u64) -> Result<String, Denied> {
        let source = source.parse().expect("an address");
        challenger.verify(value, "REGISTER", source, now_s, |user| (user == "anna").then(|| "secret".to_string()))
    }

    #[test]
    fn our_answers_satisfy_our_challenges_with_both_algorithms() {
        let challenger = Challenger::new("hotline");
        let challenges = challenger.challenge("192.0.2.1".parse().expect("an address"), 1000, false);
        for one in &challenges {
            let value = answer(std::iter::once(one.as_str()), &anna(), "REGISTER", "sip:h").expect("an answer");

            assert_eq!(verify(&challenger, &value, "192.0.2.1", 1010), Ok("anna".into()));
            assert_eq!(verify(&challenger, &value, "192.0.2.2", 1010), Err(Denied::Absent));
            assert_eq!(verify(&challenger, &value, "192.0.2.1", 1301), Err(Denied::Stale));
        }
        let strongest = answer(challenges.iter().map(String::as_str), &anna(), "REGISTER", "sip:h").expect("an answer");
        assert!(strongest.contains("algorithm=SHA-256"));
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_look_the_same() {
        let challenger = Challenger::new("hotline");
        let [challenge, _] = challenger.challenge("192.0.2.1".parse().expect("an address"), 1000, false);
        for (user, password) in [("anna", "guess"), ("nobody", "secret")] {
            let guess = Credentials { user: user.into(), password: password.into(), realm: None };
            let value = answer(std::iter::once(challenge.as_str()), &guess, "REGISTER", "sip:h").expect("an answer");

            assert_eq!(verify(&challenger, &value, "192.0.2.1", 1000), Err(Denied::Wrong));
        }
    }

    #[test]
    fn a_challenge_of_another_realm_is_not_answered() {
        let ours = Credentials { realm: Some("provider".into()), ..anna() };
        let foreign = "Digest realm=\"thief\", nonce=\"1\", qop=\"auth\"";
        assert_eq!(answer(std::iter::once(foreign), &ours, "INVITE", "sip:h"), None);
    }

    #[test]
    fn the_example_of_rfc_2617_comes_out() {
        let challenge = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
        let mufasa = Credentials { user: "Mufasa".into(), password: "Circle Of Life".into(), realm: None };
        let value = answer(std::iter::once(challenge), &mufasa, "GET", "/dir/index.html").expect("an answer");
        assert!(value.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{value}");
    }
}
