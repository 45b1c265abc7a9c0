use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use tidegate_model::{Resource, Status, Visibility};

use super::*;

fn at() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

struct Read {
    resources: Vec<Resource>,
    options: Status,
    rules: Status,
}

impl Read {
    fn keys(&self) -> Vec<&str> {
        self.resources.iter().map(|r| r.key.as_str()).collect()
    }

    fn body(&self, key: &str) -> Value {
        let found = self.resources.iter().find(|r| r.key.as_str() == key);
        serde_json::from_str(&found.unwrap().body).unwrap()
    }
}

#[track_caller]
fn read(dir: &Path) -> Read {
    read_with(dir, None)
}

#[track_caller]
fn read_with(dir: &Path, key: Option<&RedactionKey>) -> Read {
    let mut resources = Vec::new();
    let mut statuses = Vec::new();
    for c in oslo(dir, at(), key).unwrap() {
        match c {
            Collected::Page(page) => resources.extend(page),
            Collected::Coverage(c) => {
                assert_eq!(
                    (&*c.source, c.region, c.visibility),
                    ("config-dir", None, Visibility::All)
                );
                assert_eq!((c.read_from, c.read_until), (at(), at()));
                statuses.push((c.kind.to_string(), c.status));
            }
        }
    }
    let [(a, options), (b, rules)] = statuses.try_into().unwrap();
    assert_eq!((&*a, &*b), ("config.oslo", "config.policy"));
    Read { resources, options, rules }
}

fn failed(status: &Status) -> &str {
    let Status::Failed { reason } = status else { panic!("{status:?}") };
    reason
}

#[test]
fn the_folders_of_kolla_and_etc_are_read() {
    let dir = folder(&[
        (
            "keystone/keystone.conf",
            "[DEFAULT]\ndebug = false\n[Oslo_Policy]\nenforce_scope: true\n",
        ),
        ("keystone/wsgi-keystone.conf", "Listen 5000\n<VirtualHost *>\n"),
        ("keystone/config.json", "{"),
        ("keystone/policy.yaml", "admin_required: role:admin\n"),
        ("keystone/fernet-keys/0.conf", "canary"),
        ("nova-api/nova.conf", "[DEFAULT]\na=1\na=2\n"),
        ("nova-api/policy.json", "{\"context_is_admin\": \"role:admin\"}"),
        ("nova-libvirt/qemu.conf", "x\n"),
        ("neutron/plugins/ml2/ml2_conf.ini", "[ml2]\ntype_drivers = flat\n"),
        ("neutron/policy.d/10-x", "a: '@'"),
        ("rabbitmq/rabbitmq.conf", "x"),
        ("passwords.yml", "keystone_admin_password: hunter2"),
        ("nova.conf", "broken"),
    ]);
    let got = read(dir.path());
    assert_eq!(
        got.keys(),
        [
            "config/config.oslo/-/keystone/keystone.conf",
            "config/config.oslo/-/neutron/plugins%2Fml2%2Fml2_conf.ini",
            "config/config.oslo/-/nova-api/nova.conf",
            "config/config.policy/-/keystone/policy.yaml",
            "config/config.policy/-/neutron/policy.d%2F10-x",
            "config/config.policy/-/nova-api/policy.json",
        ]
    );
    assert_eq!(got.options, Status::Complete { count: 3 });
    assert_eq!(got.rules, Status::Complete { count: 3 });
    assert_eq!(
        got.body("config/config.oslo/-/keystone/keystone.conf"),
        json!({"service": "keystone", "file": "keystone.conf", "sections": {
            "DEFAULT": {"debug": ["false"]}, "oslo_policy": {"enforce_scope": ["true"]}},
            "tidegate": {"path": "keystone/keystone.conf"}})
    );
    assert_eq!(
        got.body("config/config.oslo/-/nova-api/nova.conf"),
        json!({"service": "nova", "file": "nova.conf", "sections": {"DEFAULT": {"a": ["1", "2"]}},
            "tidegate": {"path": "nova-api/nova.conf"}})
    );
    assert_eq!(
        got.body("config/config.policy/-/nova-api/policy.json"),
        json!({"service": "nova", "file": "policy.json", "rules": {"context_is_admin": "role:admin"},
            "tidegate": {"path": "nova-api/policy.json"}})
    );
    let deep = got.body("config/config.oslo/-/neutron/plugins%2Fml2%2Fml2_conf.ini");
    assert_eq!((&deep["service"], &deep["file"]), (&json!("neutron"), &json!("ml2_conf.ini")));
    let one = got.resources.first().unwrap();
    assert_eq!((one.name.as_deref(), &one.region), (Some("keystone/keystone.conf"), &None));
    assert_eq!(canonical(one.body.as_bytes(), &()).unwrap(), *one.body);
}

#[test]
fn a_broken_file_fails_its_kind_and_costs_no_other_file() {
    let dir = folder(&[
        ("cinder/cinder.conf", "[a]\nhunter2\n"),
        ("glance/glance-api.conf", "[a]\nb=1\n"),
        ("keystone/policy.yaml", "a: b:c\nd: {hunter2: 1}\n"),
    ]);
    fs::create_dir_all(dir.path().join("nova")).unwrap();
    fs::write(dir.path().join("nova/nova.conf"), b"[a]\nb=1\nc=\xff\n").unwrap();
    let got = read(dir.path());
    assert_eq!(got.keys(), ["config/config.oslo/-/glance/glance-api.conf"]);
    assert_eq!(
        failed(&got.options),
        "`cinder/cinder.conf` line 2: neither a section nor an option: no `=` or `:`; and 1 more"
    );
    assert_eq!(
        failed(&got.rules),
        "`keystone/policy.yaml` line 2: a rule is neither text nor a list of texts"
    );
    fs::remove_file(dir.path().join("cinder/cinder.conf")).unwrap();
    assert_eq!(failed(&read(dir.path()).options), "`nova/nova.conf` line 3: it is not UTF-8");
}

#[test]
fn links_lead_nowhere_else() {
    let outside = folder(&[("nova.conf", "[a]\nb=1\n"), ("d/policy.yaml", "a: b:c")]);
    let dir = folder(&[("nova-api/nova.conf", "[a]\nb=1\n")]);
    fs::create_dir_all(dir.path().join("nova")).unwrap();
    symlink("../nova-api/nova.conf", dir.path().join("nova/nova.conf")).unwrap();
    let got = read(dir.path());
    assert_eq!(got.keys().len(), 2, "a link inside is followed");
    assert_eq!(got.options, Status::Complete { count: 2 });

    fs::create_dir_all(dir.path().join("cinder")).unwrap();
    symlink(outside.path().join("nova.conf"), dir.path().join("cinder/cinder.conf")).unwrap();
    symlink(outside.path().join("d"), dir.path().join("cinder/d")).unwrap();
    let got = read(dir.path());
    assert_eq!(got.keys().len(), 2);
    let why = "it is a link that leads out of the folder";
    assert_eq!(failed(&got.options), format!("`cinder/cinder.conf`: {why}; and 1 more"));
    assert_eq!(failed(&got.rules), format!("`cinder/d`: {why}"));
}

#[test]
fn folders_within_themselves_and_huge_files_end() {
    let dir = folder(&[("nova/nova.conf", "[a]\nb=1\n")]);
    symlink(".", dir.path().join("nova/again")).unwrap();
    assert!(failed(&read(dir.path()).options).contains("nested deeper than 5"));

    let long = format!("[a]\n{}", "# x\n".repeat(2 << 20));
    let dir = folder(&[("nova/nova.conf", &long), ("nova/nova-compute.conf", "")]);
    let got = read(dir.path());
    assert_eq!(failed(&got.options), "`nova/nova.conf`: it is larger than 4096 KiB");
    assert_eq!(got.keys(), ["config/config.oslo/-/nova/nova-compute.conf"]);
}

#[test]
fn a_wrong_folder_is_an_error() {
    let dir = folder(&[("nova.conf", "[a]\n"), ("ssl/nova.conf", "[a]\n"), ("nova/x", "")]);
    let e = oslo(dir.path(), at(), None).unwrap_err();
    assert_eq!(e, FilesError::NoConfiguration { path: dir.path().to_owned() });
    assert!(e.hint().contains("keystone/keystone.conf"));
    let e = oslo(&dir.path().join("nova.conf"), at(), None).unwrap_err();
    assert!(e.to_string().ends_with("nova.conf`: it is not a folder"), "{e}");
    let e = oslo(&dir.path().join("none"), at(), None).unwrap_err();
    assert!(e.to_string().ends_with("none`: no such file or directory"), "{e}");
}

/// Wherever a secret may stand in such a folder.
#[test]
fn no_secret_is_handed_over() {
    let conf = "[DEFAULT]\n\
        admin_token = CANARY\n\
        transport_url = rabbit://openstack:CANARY@h1:5672,openstack:CANARY@h2:5672//\n\
        metadata_proxy_shared_secret: CANARY\n\
        note = -----BEGIN RSA PRIVATE KEY-----\n  CANARY\n  -----END RSA PRIVATE KEY-----\n\
        header = Authorization: Bearer CANARY0123456789abcdef\n\
        aws = AKIACANARY0123456789\n\
        token_like = eyJCANARYJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N\n\
        gh = ghp_CANARY42F292c6912E7710c838347Ae178B4a\n\
        gl = glpat-CANARY7890123456\n\
        slack = xoxb-CANARY78901\n\
        stripe = sk_live_CANARY7890\n\
        fernet = gAAAAACANARY3456789012345678901234567890123456789012345678901234567890123\n\
        words = the password=CANARY\n\
        http_proxy = http://bob:CANARY@proxy:3128\n\
        two = http://bob:CANARY@a http://bob:CANARY@b\n\
        [database]\n\
        connection = mysql+pymysql://nova:CANARY@10.0.0.1/nova?ssl_ca=/etc/ca.pem&password=CANARY\n\
        connection = nova:CANARY@h\n\
        slave_connection = mysql://nova:CAN/ARY-CANARY@h/nova\n\
        [keystone_authtoken]\n\
        password =\n    CANARY\n\
        Admin-Password = CANARY\n\
        memcache_secret_key = 'CANARY'\n\
        [backend1]\n\
        san_password = CANARY\n\
        replication_device = backend_id:x,san_password:CANARY\n\
        [simple_crypto_plugin]\n\
        kek = CANARY\n\
        [p11_crypto_plugin]\n\
        login = CANARY\n\
        [cache]\n\
        backend_argument = url:redis://:CANARY@h\n\
        [password=CANARY]\n\
        ghp_CANARY42F292c6912E7710c838347Ae178B4a = x\n";
    let policy = "a: http://bob:CANARY@h/x\n\
        b: [\"role:x\", \"password:CANARY\"]\n\
        db_password: CANARY\n\
        \"http://bob:CANARY@h\": role:x\n\
        c: Bearer CANARY0123456789abcdef\n";
    let dir = folder(&[
        ("nova/nova.conf", conf),
        ("nova/policy.yaml", policy),
        ("keystone/keystone.conf", "[DEFAULT]\npassword CANARY\n"),
        ("keystone/policy.yaml", "a: {CANARY: CANARY}\n"),
        ("heat/policy.json", "{\"a\": \"CANARY"),
    ]);
    for key in [None, Some(RedactionKey::new("k"))] {
        let told = format!("{:?}", oslo(dir.path(), at(), key.as_ref()).unwrap());
        assert!(!told.contains("CANARY"), "{told}");
        let got = read_with(dir.path(), key.as_ref());
        assert_eq!(got.keys().len(), 2);
        let body = got.body("config/config.oslo/-/nova/nova.conf").to_string();
        let planted = conf.lines().filter(|l| l.contains("CANARY")).count();
        assert!(body.matches("[redacted").count() >= planted, "{body}");
        assert!(body.contains("@10.0.0.1/nova?ssl_ca=/etc/ca.pem&"), "{body}");
    }
}
