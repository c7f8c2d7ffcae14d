//! The engine's full state (trunks, accounts, admission) in the SIP skin's words.

use std::time::Duration;

use hotline_control::frames;
use hotline_sip as sip;

/// Trunks, or a sentence about the first that makes no sense.
pub fn trunks(trunks: &[frames::Trunk]) -> Result<Vec<sip::Trunk>, String> {
    trunks.iter().map(|entry| trunk(entry).map_err(|error| format!("trunk {}: {error}", entry.name))).collect()
}

pub fn accounts(accounts: Vec<frames::Account>) -> Vec<sip::Account> {
    accounts.into_iter().map(|account| sip::Account { name: account.name, password: account.password }).collect()
}

/// Who may knock, or a sentence about the first network that is none.
pub fn admission(admission: &frames::Admission) -> Result<sip::Admission, String> {
    Ok(sip::Admission {
        open: nets(&admission.open)?,
        accounts: nets(&admission.accounts)?,
        blocked: nets(&admission.blocked)?,
        unproven_max: admission.max_unproven as usize,
        retry_after_s: u16::try_from(admission.retry_after_s).unwrap_or(u16::MAX),
        per_source: admission.per_source_rate,
        // Two seconds' worth at once: a phone that registers and subscribes at start is no attack.
        per_source_burst: admission.per_source_rate.saturating_mul(2),
        full: false,
    })
}

fn trunk(trunk: &frames::Trunk) -> Result<sip::Trunk, String> {
    let next_hops: Vec<String> = trunk.servers.iter().map(|server| uri(server)).collect();
    let registers = trunk.mode == frames::TrunkMode::Registered;
    let server = next_hops.first().cloned();
    let register = match (registers, server) {
        (false, _) => None,
        (true, None) => return Err("it registers, but names no server".to_owned()),
        (true, Some(server)) => Some(sip::Registration {
            server,
            user: trunk.user.clone(),
            expires: Duration::from_secs(u64::from(trunk.expires_s)),
        }),
    };
    let credentials = (!trunk.user.is_empty()).then(|| sip::Credentials {
        user: trunk.user.clone(),
        password: trunk.password.clone(),
        realm: (!trunk.realm.is_empty()).then(|| trunk.realm.clone()),
    });
    let every = Duration::from_secs(u64::from(trunk.options_every_s));
    Ok(sip::Trunk {
        name: trunk.name.clone(),
        addresses: nets(&trunk.addresses)?,
        next_hops,
        credentials,
        register,
        options_every: (!every.is_zero()).then_some(every),
    })
}

fn uri(server: &str) -> String {
    if server.starts_with("sip:") { server.to_owned() } else { format!("sip:{server}") }
}

fn nets(texts: &[String]) -> Result<Vec<sip::Net>, String> {
    texts.iter().map(|text| text.parse().map_err(|error: sip::net::BadNet| error.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn north() -> frames::Trunk {
        frames::Trunk {
            name: "north".to_owned(),
            mode: frames::TrunkMode::Registered,
            addresses: vec!["198.51.100.0/24".to_owned()],
            servers: vec!["198.51.100.7:5060;transport=tcp".to_owned()],
            user: "hotline".to_owned(),
            password: "x".to_owned(),
            realm: String::new(),
            expires_s: 300,
            options_every_s: 0,
            max_channels: 10,
            behind_nat: false,
            allow_refer: false,
        }
    }

    #[test]
    fn a_registered_trunk_registers_at_its_first_server() {
        let made = trunks(&[north()]).expect("a good trunk");
        assert_eq!(made[0].next_hops, ["sip:198.51.100.7:5060;transport=tcp"]);
        let register = made[0].register.as_ref().expect("it registers");
        assert_eq!(register.server, made[0].next_hops[0]);
        assert_eq!((made[0].options_every, made[0].credentials.as_ref().and_then(|c| c.realm.clone())), (None, None));
    }

    #[test]
    fn a_mistake_is_told_with_the_trunks_name() {
        let mut bad = north();
        bad.addresses = vec!["198.51.100.0/33".to_owned()];
        assert!(trunks(&[bad]).is_err_and(|error| error.starts_with("trunk north: ")));
        let mut bad = north();
        bad.servers.clear();
        assert!(trunks(&[bad]).is_err_and(|error| error.contains("no server")));
    }
}
