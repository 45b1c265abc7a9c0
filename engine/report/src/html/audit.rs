//! The first page of an archive for auditors: what is in it, and how to check it.

use std::io::{self, BufWriter, Write};

use tidegate_model::{Digest, KindCoverage, SnapshotId, Timestamp, Verdict};

use super::escape::Text;
use super::page;
use super::subject::verdict;

/// What the page tells.
#[derive(Debug, Clone)]
pub struct AuditIndex<'a> {
    /// The snapshot that is packed.
    pub snapshot: &'a SnapshotId,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The tidegate that collected it.
    pub tool_version: &'a str,
    /// The note over the log, with signatures if there are any.
    pub checkpoint: &'a str,
    /// Whose signatures stand below it, whether or not they fit.
    pub signers: Vec<&'a str>,
    /// What was looked at.
    pub coverage: &'a [KindCoverage],
    /// By kind, how many resources there are and their root.
    pub kinds: Vec<(&'a str, u64, Digest)>,
    /// What was said when it was scanned.
    pub then: Option<Verdict>,
    /// What the packed rules say of it.
    pub now: Option<Verdict>,
    /// All other files, in order of path.
    pub files: Vec<AuditFile<'a>>,
}

/// A file of the archive.
#[derive(Debug, Clone)]
pub struct AuditFile<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// So many files are shown at once; the manifests of years are folded.
const SHOWN: usize = 40;

/// Writes the page. It needs no network and no script; all text is escaped.
///
/// # Errors
/// Those of `out`.
pub fn audit_index(index: &AuditIndex<'_>, out: &mut dyn Write) -> io::Result<()> {
    let AuditIndex {
        snapshot,
        taken_at,
        tool_version,
        checkpoint,
        signers,
        coverage,
        kinds,
        then,
        now,
        files,
    } = index;
    let mut out = BufWriter::new(out);
    let title = format!("Snapshot {snapshot} for audit");
    page::head(&mut out, &title)?;
    write!(
        out,
        "<header>\n<h1>{}</h1>\n<p class=\"lead\">State of {taken_at:.0}, collected by tidegate {}</p>\n\
         </header>\n<main id=\"main\">\n<h2>Verdicts</h2>\n<ul>\n",
        Text(&title),
        Text(tool_version),
    )?;
    verdict_of(&mut out, *then, "recorded", "When it was scanned")?;
    verdict_of(&mut out, *now, "now", "By the rules in this archive")?;
    out.write_all(
        b"</ul>\n<h2>How to check it</h2>\n<ol>\n\
          <li><code>sha256sum -c SHA256SUMS</code>: the files are those that were packed.\n\
          <li>Each line of <code>state/</code> is one resource. Its leaf is SHA-256 of a zero byte, the key, and the \
          SHA-256 of salt and body, where the body is the text that stands in the line. The root over the leaves of a \
          file (RFC 6962, in order of lines) is the one that the manifest names.\n\
          <li>Each manifest names the SHA-256 of the one before it. The root over all of them (RFC 6962; a leaf is \
          SHA-256 of a zero byte and the file) is the one in <code>checkpoint.note</code>.\n\
          <li>The checkpoint is a signed note (C2SP signed-note). Compare it with one that was kept elsewhere, and check \
          its signatures with keys that were got elsewhere.\n\
          <li>Each record names the one before it. The SHA-256 of <code>verdicts/recorded.salt</code> followed by \
          <code>verdicts/recorded.json</code> is the payload that its record names.\n</ol>\n",
    )?;
    let by = if signers.is_empty() { "nobody".to_owned() } else { signers.join(", ") };
    write!(out, "<h2>Checkpoint</h2>\n<p>Signed by {}.</p>\n<pre>", Text(&by))?;
    for line in checkpoint.lines() {
        writeln!(out, "{}", Text(line))?;
    }
    out.write_all(
        b"</pre>\n<h2>Resources</h2>\n<div class=\"wide\"><table><thead><tr><th scope=\"col\">Kind\
          <th scope=\"col\" class=\"num\">Resources<th scope=\"col\">Root</thead><tbody>\n",
    )?;
    for (kind, count, root) in kinds {
        writeln!(
            out,
            "<tr><th scope=\"row\"><a href=\"state/{0}.ndjson\">{0}</a><td class=num>{count}<td><code>{root}</code>",
            Text(kind)
        )?;
    }
    out.write_all(
        b"</tbody></table></div>\n<h2>What was looked at</h2>\n<div class=\"wide\"><table><thead><tr>\
          <th scope=\"col\">Kind<th scope=\"col\">Region<th scope=\"col\">Status<th scope=\"col\">Visibility</thead><tbody>\n",
    )?;
    for c in *coverage {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}<td>{}<td>{}<td>{}",
            Text(c.kind.as_str()),
            Text(c.region.as_deref().unwrap_or("-")),
            Text(c.status.to_string()),
            Text(c.visibility.to_string()),
        )?;
    }
    out.write_all(b"</tbody></table></div>\n<h2>Files</h2>\n")?;
    let open = if files.len() <= SHOWN { " open" } else { "" };
    write!(
        out,
        "<details{open}><summary>{} files</summary>\n<div class=\"wide\"><table><thead><tr><th scope=\"col\">File\
         <th scope=\"col\" class=\"num\">Bytes<th scope=\"col\">SHA-256</thead><tbody>\n",
        files.len()
    )?;
    for AuditFile { path, bytes, sha256 } in files {
        writeln!(
            out,
            "<tr><th scope=\"row\"><a href=\"{0}\">{0}</a><td class=num>{bytes}<td><code>{sha256}</code>",
            Text(path)
        )?;
    }
    out.write_all(b"</tbody></table></div></details>\n</main>\n</body>\n</html>\n")?;
    out.flush()
}

fn verdict_of(
    out: &mut impl Write,
    of: Option<Verdict>,
    file: &str,
    title: &str,
) -> io::Result<()> {
    match of {
        Some(worst) => writeln!(
            out,
            "<li>{title}: <span class=\"chip {worst}\">{}</span> \
             <a href=\"verdicts/{file}.html\">report</a>, <a href=\"verdicts/{file}.json\">JSON</a>",
            verdict(worst)
        ),
        None => writeln!(out, "<li>{title}: nothing was said"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_escapes_what_came_from_elsewhere_and_names_every_file() {
        let snapshot: SnapshotId = "prod1@7".parse().unwrap();
        let digest = Digest::of(b"x");
        let index = AuditIndex {
            snapshot: &snapshot,
            taken_at: Timestamp::UNIX_EPOCH,
            tool_version: "<b>",
            checkpoint: "tidegate/prod1\n7\n<script>\n",
            signers: vec!["a\"b"],
            coverage: &[],
            kinds: vec![("compute.server", 3, digest)],
            then: Some(Verdict::Fail),
            now: None,
            files: vec![AuditFile { path: "waivers/<i>.yaml", bytes: 5, sha256: digest }],
        };
        let mut out = Vec::new();
        audit_index(&index, &mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        for raw in ["<b>", "<script>", "a\"b", "<i>"] {
            assert!(!page.contains(raw), "{raw}");
        }
        for part in [
            "&lt;i&gt;.yaml",
            "state/compute.server.ndjson",
            "verdicts/recorded.html",
            &digest.to_string(),
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("verdicts/now"), "{page}");
        assert!(!page.contains("http:") && !page.contains("https:"), "nothing is fetched");
    }
}
