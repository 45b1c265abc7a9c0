use super::*;

fn env(files: &[(&str, &str)], vars: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let env = Environment {
        vars: vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        cwd: folder.path().join("here"),
        home: Some(folder.path().join("home")),
    };
    (folder, env)
}

const PLAIN: &str = "clouds:\n  a:\n    auth: {auth_url: \"https://k/v3\", username: u, user_domain_name: D, project_name: p, project_domain_name: D}\n";

#[test]
fn secrets_come_from_secure_yaml_and_profiles_from_the_vendor_file() {
    let (_folder, env) = env(
        &[
            (
                "home/.config/openstack/clouds.yaml",
                "clouds: {a: {profile: v, auth: {username: u, user_domain_name: D}, regions: [r1, {name: r2}]}}",
            ),
            ("home/.config/openstack/secure.yaml", "clouds: {a: {auth: {password: 007}}}"),
            (
                "here/clouds-public.yaml",
                "public-clouds: {v: {auth: {auth_url: \"https://v/v3\"}, interface: internalURL, verify: false}}",
            ),
        ],
        &[],
    );
    let settings = Config::load(&env).unwrap().cloud(Some("a")).unwrap();
    assert_eq!(settings.auth_url, "https://v/v3");
    assert_eq!(settings.regions, ["r1", "r2"]);
    assert_eq!(settings.cloud.verify, Some(false));
    assert_eq!(settings.cloud.interface.as_deref(), Some("internal"));
    assert_eq!(settings.cloud.auth_cache, Some(false));
    assert!(settings.cloud.auth.unwrap().password.is_some());
}

#[test]
fn the_folder_at_hand_comes_before_the_home_and_a_named_file_before_both() {
    let other = PLAIN.replace("  a:", "  b:").replace("username: u", "username: u, password: p");
    let third = other.replace("  b:", "  c:");
    let files = [
        ("home/.config/openstack/clouds.yaml", PLAIN),
        ("here/clouds.yaml", other.as_str()),
        ("named.yaml", third.as_str()),
    ];
    let (_folder, mut env) = env(&files, &[]);
    assert_eq!(list_clouds(&env).unwrap(), ["b"]);
    env.vars.insert("OS_CLIENT_CONFIG_FILE".into(), "../named.yaml".into());
    assert_eq!(list_clouds(&env).unwrap(), ["c"]);
    env.vars.insert("OS_CLIENT_CONFIG_FILE".into(), "nowhere.yaml".into());
    assert_eq!(list_clouds(&env).unwrap(), ["b"], "as the openstack client does");
}

#[test]
fn variables_override_single_settings() {
    let vars = [("OS_CLOUD", "a"), ("OS_PASSWORD", "p"), ("OS_REGION_NAME", "west")];
    let (_folder, env) = env(&[("here/clouds.yaml", PLAIN)], &vars);
    let settings = Config::load(&env).unwrap().cloud(None).unwrap();
    assert_eq!(settings.regions, ["west"]);
    assert_eq!(settings.name, "a");
}

#[test]
fn a_broken_file_is_told_without_quoting_it() {
    let (_folder, env) = env(&[("here/clouds.yaml", "clouds: [\n  password: hunter2")], &[]);
    let e = Config::load(&env).err().unwrap();
    assert!(matches!(e, CollectError::BadConfig { .. }));
    assert!(!e.to_string().contains("hunter2"), "{e}");
}

#[test]
fn what_is_missing_is_named() {
    let missing = |auth: &str, kind: &str| {
        let yaml = format!("clouds: {{a: {{{kind}auth: {{{auth}}}}}}}");
        let (_folder, env) = env(&[("here/clouds.yaml", &yaml)], &[]);
        Config::load(&env).unwrap().cloud(None).err().unwrap().to_string()
    };
    let url = "auth_url: \"http://k/v3\"";
    let user = "username: u, password: p, user_domain_id: d";
    for (auth, kind, expected) in [
        (user.to_owned(), "", "`auth_url` is missing"),
        (
            format!("{user}, auth_url: \"u:hunter2@k\""),
            "",
            "`auth_url` is not an http or https address",
        ),
        (
            format!("{user}, auth_url: \"https://u:hunter2@k/v3\""),
            "",
            "`auth_url` has a user or a password in it",
        ),
        (format!("{url}, username: u, user_domain_id: d"), "", "`password` is missing"),
        (url.to_owned(), "auth_type: token, ", "`token` is missing"),
        (url.to_owned(), "auth_type: v3kerberos, ", "auth_type `v3kerberos` is not supported"),
        (
            format!("{url}, application_credential_secret: s"),
            "",
            "`application_credential_id` is missing",
        ),
    ] {
        let text = missing(&auth, kind);
        assert_eq!(text, format!("cloud `a` has no usable credentials: {expected}"));
    }
}
