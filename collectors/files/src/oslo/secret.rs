//! Which options hold secrets, and what of their values may be kept.

use tidegate_redact::{RedactionKey, blank, mark, secret_name, secret_text};

/// Options that hold secrets although neither their ending nor a word in them
/// tells it.
///
/// Source: the options that keystone 30, nova 34, neutron 29, glance 33, cinder
/// 29, barbican 23, castellan, keystoneauth and the oslo libraries declare with
/// `secret=True`, so far as nothing else finds them.
const SECRET: [&str; 11] = [
    "approle_role_id",
    "backend_argument",
    "code",
    "kek",
    "key",
    "login",
    "passcode",
    "replication_device",
    "swift_store_application_credential_id",
    "swift_store_config_file",
    "swift_store_user",
];

/// Options with a secret's name that hold none. Rules ask for many of them.
///
/// Source: what the same services declare without `secret`.
const HARMLESS: [&str; 38] = [
    "access_token_duration",
    "allow_credentials",
    "allow_insecure_admin_trust_cross_project_credentials_access",
    "allow_insecure_application_credential_trust_escalation",
    "allow_rescope_scoped_token",
    "application_credential",
    "change_password_upon_first_use",
    "client_key",
    "enable_instance_password",
    "enforce_token_bind",
    "inject_key",
    "inject_password",
    "invalid_password_hash_function",
    "invalid_password_hash_max_chars",
    "max_active_keys",
    "max_password_length",
    "max_token_size",
    "minimum_password_age",
    "nova_client_priv_key",
    "ovn_nb_private_key",
    "ovn_sb_private_key",
    "password_expires_days",
    "password_hash_algorithm",
    "password_hash_rounds",
    "password_length",
    "password_regex",
    "password_regex_description",
    "rbd_secret_uuid",
    "report_invalid_password_hash",
    "request_token_duration",
    "send_service_user_token",
    "service_token_roles_required",
    "strict_password_check",
    "supported_tpm_secret_security",
    "token_cache_time",
    "token_ttl",
    "unique_last_password_count",
    "vencrypt_client_key",
];

/// Endings of options that hold a secret.
const ENDINGS: [&str; 8] = ["_key", "_keys", "_pass", "_pin", "_passcode", "_psk", "_jwt", "_otp"];

/// Endings of options that hold a path or the name of a role, whatever stands
/// before.
const PLACES: [&str; 6] = ["_file", "_path", "_dir", "_repository", "_role", "_roles"];

/// Options whose value is an address that usually carries credentials. What is
/// not an address there is not kept.
const ADDRESSES: [&str; 9] = [
    "asyncio_connection",
    "asyncio_slave_connection",
    "backend_url",
    "backup_gcs_proxy_url",
    "connection",
    "connection_string",
    "slave_connection",
    "sql_connection",
    "transport_url",
];

/// The value of an option as it may be kept: as it is, as an address without
/// who signs in there, or `[redacted]`.
pub(crate) fn concealed(option: &str, value: &str, key: Option<&RedactionKey>) -> String {
    if value.is_empty() {
        return String::new();
    }
    let option = option.replace('-', "_").to_ascii_lowercase();
    let whole = || blank(value.as_bytes(), key);
    if ADDRESSES.contains(&option.as_str()) {
        return address(value, key).unwrap_or_else(whole);
    }
    if SECRET.contains(&option.as_str()) || (by_name(&option) && !is_switch(value)) {
        return whole();
    }
    if !value.contains("://") && value.split_whitespace().any(signs_in) {
        return mark("url-credentials", value, key);
    }
    text(value, key)
}

/// `user:password@host`, an address without scheme.
fn signs_in(word: &str) -> bool {
    let user = word.rsplit_once('@').and_then(|(who, _)| who.split_once(':'));
    user.is_some_and(|(user, password)| !user.is_empty() && !password.is_empty())
}

/// A text as it may be kept: addresses without credentials, and nothing that
/// looks like a secret.
pub(crate) fn text(value: &str, key: Option<&RedactionKey>) -> String {
    if value.contains("://") && value.contains('@') {
        return address(value, key).unwrap_or_else(|| mark("url-credentials", value, key));
    }
    match secret_text(value) {
        Some(pattern) => mark(pattern, value, key),
        None => value.to_owned(),
    }
}

/// The text of a policy rule as it may be kept. References such as
/// `rule:secret:decrypt` read like secrets and are none.
pub(crate) fn rule(name: &str, rule: String, key: Option<&RedactionKey>) -> String {
    let words = || rule.split_whitespace().map(|w| w.trim_start_matches('('));
    // Whatever is no check has no place there: perhaps it is a password.
    let check = |w: &str| {
        let word = w.trim_end_matches(')').to_ascii_lowercase();
        w.contains(':') || ["", "@", "!", "and", "or", "not"].contains(&&*word)
    };
    if secret_name(name) && !words().all(check) {
        return blank(rule.as_bytes(), key);
    }
    let rest: Vec<&str> = words().filter(|w| !w.starts_with("rule:")).collect();
    let rest = rest.join(" ");
    if text(&rest, None) == rest {
        return rule;
    }
    let told = text(&rule, key);
    if told == rule { blank(rule.as_bytes(), key) } else { told }
}

/// Whether an option of this name, in lower case and with `_`, is secret
/// unless it is a mere switch.
fn by_name(option: &str) -> bool {
    !HARMLESS.contains(&option) && sounds_secret(option)
}

fn sounds_secret(option: &str) -> bool {
    let ends = |endings: &[&str]| endings.iter().any(|e| option.ends_with(e));
    !ends(&PLACES) && (secret_name(option) || ends(&ENDINGS))
}

/// `use_password = true` is no password.
fn is_switch(value: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off"].iter().any(|s| value.eq_ignore_ascii_case(s))
}

/// One address, `scheme://user:password@host/path?query`, with `[redacted]` in
/// the place of the user and of secret parameters; `None` if it has another
/// form, so that it cannot be told what in it is secret.
fn address(value: &str, key: Option<&RedactionKey>) -> Option<String> {
    let start = value.find("://")? + 3;
    let (head, rest) = value.split_at_checked(start)?;
    if rest.contains("://") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (hosts, tail) = rest.split_at_checked(end)?;
    // A password with an unescaped `/` reaches beyond that sign.
    if tail.contains('@') {
        return None;
    }
    let told = |who: &dyn Fn(&str) -> String| {
        format!("{head}{}{}", without_users(head, hosts, who), without_parameters(tail, who))
    };
    // Judged without the placeholder, which under a key reads like a user with
    // a password.
    match secret_text(&told(&|_| String::new())) {
        Some(pattern) => Some(mark(pattern, value, key)),
        None => Some(told(&|secret| blank(secret.as_bytes(), key))),
    }
}

/// Hosts, each without who signs in there. A messaging address repeats the
/// user before every host; anything else may have `,` in its password.
fn without_users(head: &str, hosts: &str, who: &dyn Fn(&str) -> String) -> String {
    let one = |host: &str| match host.rsplit_once('@') {
        Some((user, host)) => match who(user) {
            told if told.is_empty() => host.to_owned(),
            told => format!("{told}@{host}"),
        },
        None => host.to_owned(),
    };
    let each = || hosts.split(',');
    let database = head.contains("sql") || head.contains("maria");
    if database || !each().all(|h| h.matches('@').count() == 1) {
        return one(hosts);
    }
    each().map(one).collect::<Vec<_>>().join(",")
}

/// Path and query, without the values of parameters with a secret's name.
fn without_parameters(tail: &str, who: &dyn Fn(&str) -> String) -> String {
    let Some((path, query)) = tail.split_once('?') else { return tail.to_owned() };
    let one = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if secret_name(name) && !value.is_empty() && !is_switch(value) => {
            let told = who(value);
            if told.is_empty() { name.to_owned() } else { format!("{name}={told}") }
        }
        _ => parameter.to_owned(),
    };
    format!("{path}?{}", query.split('&').map(one).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(option: &str, value: &str, expected: &str) {
        assert_eq!(concealed(option, value, None), expected, "{option} = {value}");
    }

    #[test]
    fn addresses_keep_what_rules_ask_for() {
        check(
            "connection",
            "mysql+pymysql://keystone:hunter2@10.0.0.1:3306/keystone?ssl_ca=/etc/ca.pem&ssl_key=/etc/k.pem",
            "mysql+pymysql://[redacted]@10.0.0.1:3306/keystone?ssl_ca=/etc/ca.pem&ssl_key=/etc/k.pem",
        );
        check(
            "transport_url",
            "rabbit://openstack:a@h1:5672,openstack:b@h2:5672//?ssl=1",
            "rabbit://[redacted]@h1:5672,[redacted]@h2:5672//?ssl=1",
        );
        check("transport_url", "rabbit://u:a,b@h1:5672/", "rabbit://[redacted]@h1:5672/");
        check("connection", "mysql://u:a@b,c@h/d", "mysql://[redacted]@h/d");
        check("connection", "sqlite:////var/lib/k.db", "sqlite:////var/lib/k.db");
        check(
            "backend_url",
            "redis://:hunter2@h:6379?password=hunter2&db=0",
            "redis://[redacted]@h:6379?password=[redacted]&db=0",
        );
        check("www_authenticate_uri", "https://h:5000/v3", "https://h:5000/v3");
        check("http_proxy", "http://bob:hunter2@proxy:3128", "http://[redacted]@proxy:3128");
    }

    #[test]
    fn what_is_no_plain_address_is_not_kept() {
        for value in ["u:p@h", "mysql://u:hun/ter2@h/d", "mysql://u:p?x@h/d", "a://b@c,d://e@f"] {
            check("connection", value, "[redacted]");
        }
        check("servers", "http://a:hunter2@h/,http://b:hunter2@i/", "[redacted:url-credentials]");
        check("servers", "a:1, u:hunter2@h:11211", "[redacted:url-credentials]");
        check("connection", "", "");
    }

    #[test]
    fn a_changed_password_shows_under_a_key() {
        let key = RedactionKey::new("k");
        let told = |password: &str| {
            concealed("connection", &format!("mysql://u:{password}@h/d"), Some(&key))
        };
        assert_ne!(told("one"), told("two"));
        assert!(told("one").starts_with("mysql://[redacted:") && told("one").ends_with("]@h/d"));
    }

    /// Every option declared with `secret=True` in the services named at
    /// [`SECRET`], but for paths of certificates and names that stand for
    /// paths.
    const DECLARED: &str = "access-secret access-token admin_password admin_token \
        application_credential_secret approle_role_id approle_secret_id asyncio_connection \
        asyncio_slave_connection backend_argument backend_url backup_gcs_proxy_url \
        backup_s3_sse_customer_key backup_s3_store_access_key backup_s3_store_secret_key \
        backup_swift_key chap_password cinder_store_application_credential_secret \
        cinder_store_password cisco_fc_fabric_password client-secret code connection \
        consumer-secret fc_fabric_password fixed_key gpfs_user_password group_secrets \
        ha_vrrp_auth_password hitachi_mirror_auth_password hitachi_mirror_rest_password \
        hmac_keys host_password hpe3par_password invalid_password_hash_secret_key kek key \
        lightos_jwt login macrosan_replication_password macrosan_sdas_password memcache_password \
        memcache_secret_key metadata_encryption_key metadata_proxy_shared_secret \
        metro_san_password nas_password nec_ismcli_password netapp_password nexenta_password \
        nexenta_rest_password nss_password oauth2_client_secret passcode passwd password \
        podm_password rbd_iscsi_api_password replication_device root_token_id \
        s3_store_access_key s3_store_secret_key san_password secondary_san_password secrets \
        slave_connection spdk_rpc_password swift_store_application_credential_id \
        swift_store_application_credential_secret swift_store_config_file swift_store_key \
        swift_store_user synology_one_time_pass synology_password token transport_url \
        vast_api_token vmstore_password vmware_host_password vmware_server_password \
        zadara_access_key";

    #[test]
    fn every_declared_secret_is_known() {
        for option in DECLARED.split_whitespace() {
            check(option, "hunter2", "[redacted]");
        }
        for option in ["ssl_client_key_password", "trustee_domain_admin_password", "encryption_key"]
        {
            check(option, "hunter2", "[redacted]");
        }
    }

    #[test]
    fn the_tables_name_only_what_needs_it() {
        for option in SECRET {
            assert!(!by_name(option), "{option}");
        }
        for option in HARMLESS {
            assert!(sounds_secret(option), "{option}");
        }
    }

    #[test]
    fn options_that_only_sound_secret_stay_readable() {
        for option in HARMLESS.iter().chain(&[
            "cert_file",
            "key_file",
            "keyfile",
            "token_file",
            "token_role",
            "key_size",
            "key_repository",
            "auth_type",
            "username",
            "user_domain_name",
            "vnc_keymap",
            "ssl_ca_file",
            "enforce_scope",
            "provider",
            "methods",
            "hashing_algorithm",
        ]) {
            check(option, "12", "12");
        }
        check("use_password", "True", "True");
        check("mail_to", "ops@example.com", "ops@example.com");
        check(
            "methods",
            "password,token,application_credential",
            "password,token,application_credential",
        );
    }

    #[test]
    fn rules_are_kept_and_secrets_in_them_are_not() {
        for text in [
            "",
            "!",
            "(role:reader and system_scope:all) or rule:token_subject",
            "rule:secret:decrypt or (not rule:token:abcdef)",
            "user_id:%(target.token.user_id)s",
            "http://opa.example:8181/v1",
        ] {
            assert_eq!(rule("identity:change_password", text.to_owned(), None), text);
        }
        let told = |name, text: &str| rule(name, text.to_owned(), None);
        assert_eq!(told("a", "http://u:hunter2@h/x"), "http://[redacted]@h/x");
        assert_eq!(told("a", "role:x or password:hunter2"), "[redacted:password]");
        assert_eq!(told("db_password", "hunter2"), "[redacted]");
    }

    #[test]
    fn texts_that_look_like_secrets_are_marked() {
        check("note", "root password = hunter22", "[redacted:password]");
        check("note", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[redacted:github-token]");
        check("cidr", "10.0.0.0/24", "10.0.0.0/24");
    }
}
