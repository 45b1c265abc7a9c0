//! `tidegate report`: what it signs, `ssh-keygen` verifies; what it sends is
//! what the compliance monitor takes. The unhappy cases first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test may"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;

const REPORT: &str = "\
---
spec: {uuid: 50393e6f-2ae1-4c5c-a62c-3b75f2abef3f, name: SCS-compatible IaaS, url: null}
checked_at: 2026-11-22 07:03:31.802945
reference_date: 2026-11-22
subject: prod1
run:
  uuid: 21c6cb46-c844-466b-8b9f-86a516410b76
  invocations: {3a461e35-a203-4882-a384-6252fde663be: {results: {scs-0100-syntax-check: 1}}}
";

struct Shell {
    dir: TempDir,
}

#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Shell {
    fn new() -> Self {
        let shell = Self { dir: tempfile::tempdir().unwrap() };
        shell.write("report.yaml", REPORT);
        shell
    }

    /// With a key `id` that `ssh-keygen` made; `None`, said loudly, where the
    /// program is missing.
    fn with_key(passphrase: &str) -> Option<Self> {
        let shell = Self::new();
        let key = shell.path("id");
        let ran = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f"])
            .arg(key)
            .status();
        if ran.is_err() {
            eprintln!("SKIPPED: there is no ssh-keygen (package openssh-client)");
            return None;
        }
        assert!(ran.unwrap().success());
        Some(shell)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, args: &str, env: &[(&str, &str)]) -> Ran {
        let ran = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(args.split_whitespace())
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: ran.status.code().unwrap(), stdout: text(ran.stdout), stderr: text(ran.stderr) }
    }

    fn sign(&self) {
        let ran = self.run("report sign report.yaml --key id", &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    }

    /// Whether `ssh-keygen` takes `FILE.sig` for a signature of the file with
    /// the key `id`.
    fn verifies(&self, file: &str) -> bool {
        self.write("signers", &format!("csp {}", self.read("id.pub")));
        let sig = format!("{file}.sig");
        Command::new("ssh-keygen")
            .args(["-Y", "verify", "-I", "csp", "-n", "report", "-f", "signers", "-s", &sig])
            .current_dir(self.dir.path())
            .stdin(std::fs::File::open(self.path(file)).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    fn upload(&self, monitor: &Monitor, more: &str) -> Ran {
        let args = format!("report upload {} report.yaml {more}", monitor.url);
        // Nothing listens where the proxy is said to be.
        let proxy = ("HTTP_PROXY", "http://127.0.0.1:9");
        self.run(&args, &[("TIDEGATE_REPORT_PASSWORD", "pa:ss wörd"), proxy])
    }
}

impl Ran {
    #[track_caller]
    fn refused(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in {}", self.stderr);
        }
        assert!(!self.stderr.contains("pa:ss"), "{self:?}");
    }
}

/// A server on loopback that takes one request and answers it.
struct Monitor {
    url: String,
    thread: JoinHandle<Request>,
}

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| {
            let (n, value) = l.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Monitor {
    fn answering(status: &str, head: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/monitor", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status}\r\n{head}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = take(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            request
        });
        Self { url, thread }
    }

    fn request(self) -> Request {
        self.thread.join().unwrap()
    }
}

fn take(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let n = stream.read(&mut chunk).unwrap();
        assert!(n > 0, "the request ended early");
        bytes.extend_from_slice(&chunk[..n]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let request = Request { head, body: bytes[end + 4..].to_vec() };
        let length: usize = request.header("content-length").unwrap().parse().unwrap();
        if request.body.len() == length {
            return request;
        }
    }
}

#[test]
fn what_is_no_report_is_not_signed() {
    let Some(shell) = Shell::with_key("") else { return };
    shell.run("report sign nonesuch --key id", &[]).refused(1, &["cannot read `nonesuch`"]);
    for (text, wanted) in [
        ("", "there is no report in it"),
        ("a: [", "document 1 is not YAML"),
        ("hello: world", "document 1: `spec.uuid` is missing"),
        (&REPORT.replace("check: 1", "check: yes"), "is not 1 (pass), 0 (abort) or -1 (fail)"),
        (&format!("{REPORT}{REPORT}"), "document 2: `run.uuid` is that of another document"),
    ] {
        shell.write("bad.yaml", text);
        let ran = shell.run("report sign bad.yaml --key id", &[]);
        ran.refused(1, &["`bad.yaml` is not a report", wanted, "hint: "]);
        assert!(!shell.path("bad.yaml.sig").exists());
    }
    std::fs::write(shell.path("bad.yaml"), b"\xff\xfe").unwrap();
    shell.run("report sign bad.yaml --key id", &[]).refused(1, &["it is not UTF-8"]);
}

#[test]
fn a_key_that_cannot_be_used_is_named_with_what_to_do() {
    let Some(shell) = Shell::with_key("open sesame") else { return };
    let sign = |key: &str, env: &[(&str, &str)]| {
        shell.run(&format!("report sign report.yaml --key {key}"), env)
    };
    sign("nonesuch", &[]).refused(1, &["cannot read key `nonesuch`", "ssh-keygen -t ed25519"]);
    sign("id.pub", &[]).refused(1, &["this is the public half"]);
    sign("report.yaml", &[]).refused(1, &["not a private key"]);
    sign("id", &[]).refused(1, &["encrypted", "TIDEGATE_KEY_PASSPHRASE"]);
    let wrong = sign("id", &[("TIDEGATE_KEY_PASSPHRASE", "sesame shut")]);
    wrong.refused(1, &["the passphrase does not open it", "TIDEGATE_KEY_PASSPHRASE"]);
    assert!(!wrong.stderr.contains("sesame"), "{wrong:?}");
    assert!(!shell.path("report.yaml.sig").exists());
    shell.run("report sign report.yaml", &[]).refused(64, &["--key <KEYFILE>"]);

    let ran = sign("id", &[("TIDEGATE_KEY_PASSPHRASE", "open sesame")]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(shell.verifies("report.yaml"));
}

#[test]
fn ssh_keygen_verifies_what_was_signed_and_nothing_else() {
    let Some(shell) = Shell::with_key("") else { return };
    let ran = shell.run("report sign report.yaml --key id", &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stderr.starts_with("signed 1 report about prod1 with key SHA256:"), "{ran:?}");
    assert!(ran.stderr.ends_with(": report.yaml.sig\n") && !ran.stderr.contains("warning"));
    assert!(shell.verifies("report.yaml"));

    // Signing again replaces a signature, and nothing but a signature.
    let first = shell.read("report.yaml.sig");
    shell.write("report.yaml", &REPORT.replace("check: 1", "check: 0"));
    assert!(!shell.verifies("report.yaml"));
    shell.sign();
    assert!(shell.verifies("report.yaml") && shell.read("report.yaml.sig") != first);
    shell.write("report.yaml.sig", "my notes");
    let ran = shell.run("report sign report.yaml --key id", &[]);
    ran.refused(1, &["`report.yaml.sig` is in the way"]);
    assert_eq!(shell.read("report.yaml.sig"), "my notes");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(shell) = Shell::with_key("") else { return };
    let open = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(shell.path("id"), open).unwrap();
    let ran = shell.run("report sign report.yaml --key id", &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("warning: others can read key `id`"), "{ran:?}");
}

#[test]
fn an_upload_is_what_the_monitor_takes_apart() {
    let Some(shell) = Shell::with_key("") else { return };
    shell.sign();
    let monitor = Monitor::answering("200 OK", "content-type: application/json\r\n", "null");
    let address = monitor.url.clone();
    let ran = shell.upload(&monitor, "");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout, "21c6cb46-c844-466b-8b9f-86a516410b76 prod1\n");
    assert_eq!(ran.stderr, format!("{address}/reports took 1 report about prod1\n"));

    let request = monitor.request();
    assert!(request.head.starts_with("POST /monitor/reports HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), Some("application/x-signed-yaml"));
    // prod1:pa:ss wörd
    assert_eq!(request.header("authorization"), Some("Basic cHJvZDE6cGE6c3Mgd8O2cmQ="));
    let body = String::from_utf8(request.body).unwrap();
    let (signature, report) = body.split_once("-----END SSH SIGNATURE-----\n&").unwrap();
    assert_eq!(report, REPORT);
    // As the monitor does it: the signature is put together again and verified.
    shell.write("received", report);
    shell.write("received.sig", &format!("{signature}-----END SSH SIGNATURE-----\n"));
    assert!(shell.verifies("received"));
}

#[test]
fn the_bytes_are_sent_as_they_are_and_line_ends_of_the_signature_mended() {
    let Some(shell) = Shell::with_key("") else { return };
    let odd = format!("# ümläut\r\n{}\n# no final newline", REPORT.replace('\n', "\r\n"));
    shell.write("report.yaml", &odd);
    shell.sign();
    let signature = shell.read("report.yaml.sig");
    shell.write("report.yaml.sig", &signature.replace('\n', "\r\n"));
    let monitor = Monitor::answering("200 OK", "", "null");
    let ran = shell.upload(&monitor, "--user auditor");
    assert_eq!(ran.code, 0, "{ran:?}");
    let request = monitor.request();
    assert_eq!(request.body, format!("{signature}&{odd}").into_bytes());
    assert!(request.header("authorization").unwrap().starts_with("Basic YXVkaXRvcjp"));
}

#[test]
fn what_the_monitor_says_is_told_in_words() {
    let Some(shell) = Shell::with_key("") else { return };
    shell.sign();
    let detail = |text: &str| format!("{{\"detail\": \"{text}\"}}");
    for (status, head, body, wanted) in [
        (
            "401 Unauthorized",
            "www-authenticate: Basic\r\n",
            detail("Incorrect subject or password"),
            &["answered 401: it does not let `prod1`", "it says: Incorrect subject or password"][..],
        ),
        (
            "409 Conflict",
            "",
            detail("uuid known\\u001b[31m"),
            &["answered 409: it has this report already", "it says: uuid known [31m\n"],
        ),
        ("415 Unsupported Media Type", "", String::new(), &["415: it does not take signed YAML"]),
        ("404 Not Found", "", "x".repeat(300), &["404: it does not take reports", "xxx…"]),
        (
            "302 Found",
            "location: https://example.org/reports\r\n",
            String::new(),
            &["302: it has moved to https://example.org/reports"],
        ),
        ("503 Service Unavailable", "", String::new(), &["503: it failed", "try again later"]),
        ("422 Unprocessable Content", "", detail("odd"), &["422: it refused", "it says: odd"]),
        ("200 OK", "", "\"empty reports\"".to_owned(), &["found no report", "empty reports"]),
    ] {
        let monitor = Monitor::answering(status, head, &body);
        shell.upload(&monitor, "").refused(1, wanted);
        monitor.request();
    }
}

#[test]
fn nothing_is_sent_that_could_not_be_taken() {
    let Some(shell) = Shell::with_key("") else { return };
    // Nothing listens there: a request would fail in another way.
    let secret = [("TIDEGATE_REPORT_PASSWORD", "pa:ss")];
    let upload =
        |more: &str| shell.run(&format!("report upload http://127.0.0.1:9 {more}"), &secret);
    upload("report.yaml").refused(
        1,
        &["`report.yaml` is not signed: there is no `report.yaml.sig`", "tidegate report sign"],
    );
    shell.sign();
    let ran = shell.run("report upload http://127.0.0.1:9 report.yaml", &[]);
    ran.refused(64, &["there is no password for `prod1`", "TIDEGATE_REPORT_PASSWORD"]);
    upload("report.yaml").refused(1, &["cannot upload to http://127.0.0.1:9/reports", "refused"]);
    upload("report.yaml --user a:b").refused(64, &["`a:b` cannot be a user"]);
    upload("report.yaml --cacert nonesuch").refused(1, &["cannot read `nonesuch`"]);
    upload("report.yaml --cacert id.pub").refused(1, &["there is no certificate in it"]);
    let url = |url: &str| shell.run(&format!("report upload {url} report.yaml"), &secret);
    url("compliance.example.org").refused(64, &["hint: write it like https://"]);
    let ran = url("https://me:hunter2@127.0.0.1:9/");
    ran.refused(64, &["must not contain a user or password"]);
    assert!(!ran.stderr.contains("hunter2"));

    shell.write("report.yaml", &REPORT.replace("check: 1", "check: 0"));
    upload("report.yaml")
        .refused(1, &["is no signature of `report.yaml` as it is now", "has other content"]);
    let two = format!("{REPORT}{}", REPORT.replace("prod1", "prod2").replace("21c6", "21c7"));
    shell.write("report.yaml", &two);
    shell.sign();
    upload("report.yaml").refused(64, &["several clouds: prod1, prod2", "--user"]);
}

#[test]
fn an_unencrypted_way_is_warned_of_unless_it_ends_on_this_machine() {
    let Some(shell) = Shell::with_key("") else { return };
    shell.sign();
    let secret = [("TIDEGATE_REPORT_PASSWORD", "pa:ss")];
    let ran = shell.run("report upload http://monitor.invalid report.yaml", &secret);
    ran.refused(1, &["warning: http://monitor.invalid/reports is not encrypted", "cannot upload"]);
    let ran = shell.run("report upload http://127.0.0.1:9 report.yaml", &secret);
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
}

/// From a scan to the monitor: the whole way.
#[test]
fn a_scan_writes_a_report_that_can_be_signed_and_handed_in() {
    let Some(shell) = Shell::with_key("") else { return };
    std::fs::remove_file(shell.path("report.yaml")).unwrap();
    let ran = shell.run("scan --example -f scs=report.yaml", &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let text = shell.read("report.yaml");
    assert!(text.contains("\n  - '--example'\n"), "{text}");
    assert!(text.contains("\n  forced_version: null\n"), "{text}");
    assert!(text.contains("\n      - 'scs-0102-prop-architecture: FAIL'\n"), "{text}");
    shell.sign();
    assert!(shell.verifies("report.yaml"));
    let monitor = Monitor::answering("200 OK", "", "null");
    let ran = shell.upload(&monitor, "");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.ends_with(" example\n"), "{ran:?}");
    assert!(monitor.request().body.ends_with(text.as_bytes()));

    // The same snapshot judged in the same way is the same report.
    let ran = shell.run("check -f scs=again.yaml --scope scs-compatible-iaas@v5.1", &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let other = shell.read("again.yaml");
    assert!(other.contains("\n  forced_version: v5.1\n") || other.contains("'v5.1'"), "{other}");
    let ran = shell.run("check -f scs=again.yaml --scope scs-compatible-iaas@v5.1", &[]);
    assert_eq!((ran.code, shell.read("again.yaml")), (2, other));
}
