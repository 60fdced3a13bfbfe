use std::path::Path;

use marketd_tests::TestServer;
use rstest::rstest;

/// The whole document beside this test. `UPDATE_SNAPSHOTS=1 cargo test` writes it anew; look at the difference.
#[tokio::test]
async fn the_document_is_the_one_that_was_reviewed() {
    let (server, _) = TestServer::with_fake().await;
    let reply = server.get("/openapi.json").await;
    assert_eq!(reply.header("content-type"), "application/json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/openapi.json");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &reply.text).expect("written");
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(reviewed == reply.text, "the document differs from {}: see UPDATE_SNAPSHOTS", path.display());
}

#[tokio::test]
async fn every_operation_has_a_summary_a_tag_errors_and_described_parameters() {
    let (server, _) = TestServer::with_fake().await;
    let document = server.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), 17);
    for (path, operations) in paths {
        let get = &operations["get"];
        assert!(get["summary"].is_string() && get["tags"][0].is_string(), "{path}");
        for status in ["400", "404", "429", "500"] {
            assert!(get["responses"][status]["content"]["application/problem+json"].is_object(), "{status} of {path}");
        }
        for parameter in get["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["description"].is_string() && parameter["schema"]["type"].is_string(),
                "{path}: {parameter}"
            );
        }
    }
    let limit = &paths["/historical/{exchange}/{base}/{quote}"]["get"]["parameters"][5];
    assert_eq!(limit["name"], "limit");
    assert_eq!((limit["schema"]["default"].as_i64(), limit["schema"]["maximum"].as_f64()), (Some(100), Some(5_000.0)));
}

#[rstest]
#[tokio::test]
async fn no_page_loads_anything_from_another_host(#[values("/docs", "/redoc")] path: &str) {
    let (server, _) = TestServer::with_fake().await;
    let page = server.get(path).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    // Browsers hold the page to this, whatever its scripts try.
    assert!(page.header("content-security-policy").starts_with("default-src 'self';"));
    assert!(!page.header("content-security-policy").contains("http"));
    // What stands outside of the scripts and styles that the page brings along loads nothing by itself.
    let mut rest = page.text.as_str();
    while let Some((markup, script)) = rest.split_once("<script") {
        let markup = markup.split_once("<style").map_or(markup, |(before, _)| before);
        let markup = markup.replace("<link rel=\"icon\" href=\"/favicon.svg\">", "");
        for place in ["http:", "https:", "src=", "<link", "@import"] {
            assert!(!markup.contains(place), "{place} in {markup}");
        }
        assert!(!script.split('>').next().is_some_and(|tag| tag.contains("src")), "a script from elsewhere");
        rest = script.split_once("</script>").map_or("", |(_, after)| after);
    }
    for host in ["fonts.googleapis.com", "validator.swagger.io/validator", "cdn."] {
        assert!(!page.text.contains(host), "{host}");
    }
}

#[tokio::test]
async fn the_pages_have_a_sign_of_their_own() {
    let (server, _) = TestServer::with_fake().await;
    let sign = server.get("/favicon.svg").await;
    assert_eq!((sign.status.as_u16(), sign.header("content-type")), (200, "image/svg+xml"));
    assert!(sign.text.starts_with("<svg"));
}

#[tokio::test]
async fn the_root_leads_to_the_pages() {
    let (server, _) = TestServer::with_fake().await;
    let reply = server.get("/").await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (302, "/docs"));
}
