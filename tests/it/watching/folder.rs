//! The tenants' folder, look by look, without a broker.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::clock::Clock;
use countersign::config::{Config, Environment, Flags};
use countersign::domain::tenant::Tenant;
use countersign::tenants::folder::{Changes, Folder, GONE_AFTER, Look};
use tempfile::TempDir;

/// A folder with its files, and the time of its looks.
struct World {
    folder: TempDir,
    watched: Folder,
    now: Instant,
}

fn minimal(more: &str) -> String {
    format!("{more}\n{}", fs::read_to_string("fixtures/settings/good/minimal.toml").unwrap())
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tenants = folder.path().join("tenants");
        fs::create_dir(&tenants).unwrap();
        for (name, text) in files {
            fs::write(tenants.join(name), text).unwrap();
        }
        let watched = open(&tenants);
        Self { folder, watched, now: Clock::system().tick() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("tenants").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// One look, a second after the last.
    fn look(&mut self) -> Look {
        self.now += Duration::from_secs(1);
        self.watched.look(self.now)
    }

    /// What the next looks change, until one of them changes something.
    fn settle(&mut self) -> Changes {
        for _ in 0..8 {
            if let Look::Changed(changes) = self.look() {
                return changes;
            }
        }
        panic!("nothing changed")
    }

    /// That the next looks change nothing.
    fn stays(&mut self) {
        for _ in 0..8 {
            assert_eq!(self.look(), Look::Same);
        }
    }

    fn tenants(&self) -> Vec<String> {
        self.watched.tenants().map(|tenant| tenant.id.to_string()).collect()
    }

    fn tenant(&self, id: &str) -> Arc<Tenant> {
        self.watched.tenants().find(|tenant| tenant.id.as_str() == id).unwrap().clone()
    }
}

fn open(tenants: &Path) -> Folder {
    let environment: Environment = [("ACME_SECRET", "a secret")].into_iter().collect();
    let flags = Flags {
        tenants: vec![tenants.display().to_string()],
        base_url: vec!["https://auth.example".to_owned()],
        ..Flags::default()
    };
    let config = Config::read(&flags, &environment).unwrap().value;
    Folder::open(&config, &environment).unwrap().value
}

fn ids(tenants: &[countersign::domain::ids::TenantId]) -> Vec<&str> {
    tenants.iter().map(countersign::domain::ids::TenantId::as_str).collect()
}

#[test]
fn only_what_changed_is_read_again() {
    let mut world = World::new(&[("a.toml", &minimal("")), ("b.toml", &minimal(""))]);
    world.stays();
    let (a, b) = (world.tenant("a"), world.tenant("b"));
    world.write("a.toml", &minimal("hosts = [\"a.example\"]"));
    let changes = world.settle();
    assert_eq!((ids(&changes.renewed), ids(&changes.removed), changes.faults.len()), (vec!["a"], vec![], 0));
    assert!(!Arc::ptr_eq(&a, &world.tenant("a")) && Arc::ptr_eq(&b, &world.tenant("b")));
    world.stays();
}

#[test]
fn a_file_that_is_touched_or_replaced_by_its_equal_is_no_change() {
    let mut world = World::new(&[("a.toml", &minimal(""))]);
    let a = world.tenant("a");
    world.write("a.toml", &minimal(""));
    fs::rename(world.path("a.toml"), world.path("a.bak")).unwrap();
    fs::copy(world.path("a.bak"), world.path("a.toml")).unwrap();
    world.stays();
    assert!(Arc::ptr_eq(&a, &world.tenant("a")));
}

#[test]
fn what_is_still_being_written_does_not_go_live() {
    let mut world = World::new(&[("a.toml", &minimal(""))]);
    let whole = minimal("hosts = [\"a.example\", \"b.example\"]");
    for cut in [20, 60, 100, 140] {
        world.write("a.toml", &whole[..cut]);
        assert_eq!(world.look(), Look::Changing, "it looks another way each time");
    }
    world.write("a.toml", &whole);
    let changes = world.settle();
    assert!(changes.faults.is_empty(), "{changes:?}");
    assert_eq!(world.tenant("a").hosts.len(), 3);
}

#[test]
fn a_broken_edit_keeps_its_tenant_as_it_was_and_no_other() {
    let mut world = World::new(&[("a.toml", &minimal("")), ("b.toml", &minimal(""))]);
    world.write("a.toml", &minimal("hosts = [\"no host\"]"));
    world.write("b.toml", &minimal("hosts = [\"b.example\"]"));
    let changes = world.settle();
    assert_eq!(ids(&changes.renewed), ["b"]);
    let [fault] = changes.faults.as_slice() else { panic!("{changes:?}") };
    assert!(fault.file.ends_with("a.toml") && fault.message.contains("`no host`"), "{fault:?}");
    assert_eq!((fault.line, fault.column), (Some(1), Some(10)));
    assert_eq!(world.tenants(), ["a", "b"]);
    world.stays();
    let served = world.watched.directory();
    assert_eq!(served.by_id(&"a".parse().unwrap()).unwrap().faults, changes.faults);
    world.write("a.toml", &minimal("hosts = [\"a.example\"]"));
    assert_eq!(ids(&world.settle().renewed), ["a"]);
    assert!(world.watched.directory().faults().is_empty());
}

#[test]
fn a_new_tenant_with_a_fault_is_told_and_not_served() {
    let mut world = World::new(&[("a.toml", &minimal(""))]);
    world.write("b.toml", "name =");
    world.write("Bad Name.toml", &minimal(""));
    assert_eq!(world.settle().faults.len(), 2);
    assert_eq!(world.tenants(), ["a"]);
}

#[test]
fn a_deleted_file_takes_its_tenant_out_when_it_is_really_gone() {
    let mut world = World::new(&[("a.toml", &minimal("")), ("b.toml", &minimal(""))]);
    fs::rename(world.path("a.toml"), world.path("a.bak")).unwrap();
    assert_eq!(world.look(), Look::Same);
    assert_eq!(world.look(), Look::Same);
    fs::rename(world.path("a.bak"), world.path("a.toml")).unwrap();
    world.stays();
    fs::remove_file(world.path("a.toml")).unwrap();
    let began = world.now;
    let changes = world.settle();
    assert!(world.now.duration_since(began) > GONE_AFTER);
    assert_eq!((ids(&changes.removed), world.tenants()), (vec!["a"], vec!["b".to_owned()]));
}

#[test]
fn a_folder_that_is_gone_unreadable_or_empty_keeps_everything() {
    let mut world = World::new(&[("a.toml", &minimal("")), ("b.toml", &minimal(""))]);
    let (tenants, away) = (world.folder.path().join("tenants"), world.folder.path().join("away"));
    fs::rename(&tenants, &away).unwrap();
    let told = world.settle().faults;
    assert!(told[0].message.contains("cannot be read") && told[0].line.is_none(), "{told:?}");
    world.stays();
    fs::write(&tenants, "a file").unwrap();
    world.look();
    fs::remove_file(&tenants).unwrap();
    fs::create_dir(&tenants).unwrap();
    assert!(world.settle().faults[0].message.contains("is empty"));
    for _ in 0..8 {
        world.look();
    }
    assert_eq!(world.tenants(), ["a", "b"]);
    fs::remove_dir(&tenants).unwrap();
    fs::rename(&away, &tenants).unwrap();
    while world.look() != Look::Same {}
    assert!(world.watched.directory().faults().is_empty());
}

#[test]
fn a_config_map_is_swapped_by_its_link() {
    let folder = tempfile::tempdir().unwrap();
    let tenants = folder.path().join("tenants");
    for (version, hosts) in [("..1", ""), ("..2", "hosts = [\"a.example\"]")] {
        fs::create_dir_all(tenants.join(version)).unwrap();
        fs::write(tenants.join(version).join("a.toml"), minimal(hosts)).unwrap();
    }
    symlink("..1", tenants.join("..data")).unwrap();
    symlink("..data/a.toml", tenants.join("a.toml")).unwrap();
    let watched = open(&tenants);
    let mut world = World { folder, watched, now: Clock::system().tick() };
    world.stays();
    symlink("..2", tenants.join("..next")).unwrap();
    fs::rename(tenants.join("..next"), tenants.join("..data")).unwrap();
    assert_eq!(ids(&world.settle().renewed), ["a"]);
    assert_eq!(world.tenant("a").hosts[0], "a.example");
}

#[test]
fn a_host_stays_with_whom_it_has() {
    let hosts = |hosts: &str| minimal(&format!("hosts = [{hosts}]"));
    let mut world = World::new(&[("a.toml", &minimal("")), ("b.toml", &hosts("\"x.example\""))]);
    world.write("a.toml", &hosts("\"y.example\", \"x.example\""));
    let changes = world.settle();
    assert!(changes.renewed.is_empty());
    let [fault] = changes.faults.as_slice() else { panic!("{changes:?}") };
    assert!(fault.message.contains("`x.example` belongs to the tenant `b`"), "{fault:?}");
    assert_eq!((fault.line, fault.column), (Some(1), Some(23)));
    world.write("b.toml", &minimal(""));
    let changes = world.settle();
    assert_eq!(ids(&changes.renewed), ["a", "b"], "what it waited for is free");
    assert!(world.watched.directory().faults().is_empty());
}

#[test]
fn a_secret_in_another_file_is_watched_too() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "one\n").unwrap();
    let reference = format!("{{ file = {:?} }}", secret.display().to_string());
    let text = minimal("").replace("{ env = \"ACME_SECRET\" }", &reference);
    let mut world = World::new(&[("a.toml", &text)]);
    world.stays();
    let provider = |world: &World| world.tenant("a").providers[0].clone();
    assert_eq!(provider(&world).client_secret.as_ref().unwrap().expose(), "one");
    let before = provider(&world).revision.clone();
    fs::write(&secret, "two\n").unwrap();
    assert_eq!(ids(&world.settle().renewed), ["a"]);
    assert_eq!(provider(&world).client_secret.as_ref().unwrap().expose(), "two");
    assert_eq!(provider(&world).revision, before, "a secret is no part of it");
    fs::remove_file(&secret).unwrap();
    assert_eq!(world.settle().faults.len(), 1);
    assert_eq!(provider(&world).client_secret.as_ref().unwrap().expose(), "two");
}

#[test]
fn the_content_counts_where_the_times_stand_still() {
    let mut world = World::new(&[("a.toml", &minimal("#a"))]);
    world.stays();
    let times = fs::metadata(world.path("a.toml")).unwrap().modified().unwrap();
    world.write("a.toml", &minimal("#b"));
    let file = fs::File::options().write(true).open(world.path("a.toml")).unwrap();
    file.set_modified(times).unwrap();
    assert_eq!(ids(&world.settle().renewed), ["a"]);
}
