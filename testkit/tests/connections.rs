//! Several connections to one store, in one process: news travel, and each is closed for itself.

use std::time::{Duration, Instant};

use tempfile::TempDir;
use windlass::{
    Client, LeaseRequest, NewUpdate, Outcome, Payload, Renewal, RetryOptions, Settle, TaskError,
    TaskSpec, TaskStatus,
};

/// News that a hint carries come sooner than any polling.
const SOON: Duration = Duration::from_secs(5);

/// Two connections to the same store, for each kind of store.
async fn pairs(name: &str) -> Vec<(Client, Client, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("tasks.db").display());
    let memory = format!("memory:{name}");
    let mut pairs = Vec::new();
    for (url, folder) in [(memory, None), (sqlite, Some(folder))] {
        let first = windlass::connect(&url).await.unwrap();
        let second = windlass::connect(&url).await.unwrap();
        pairs.push((first, second, folder));
    }
    pairs
}

fn request(wait: Duration) -> LeaseRequest {
    LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit: 1,
        ttl: Duration::from_secs(60),
        wait,
        suspects: true,
    }
}

fn spec() -> TaskSpec {
    TaskSpec::new("work", Payload::null())
}

fn settle(leased: &windlass::LeasedTask, outcome: Outcome, lines: usize) -> Settle {
    let line = |i: usize| NewUpdate::Log { level: Default::default(), message: i.to_string() };
    Settle {
        task_id: leased.task.task_id,
        token: leased.token,
        outcome,
        started: None,
        updates: (0..lines).map(line).collect(),
        declared: RetryOptions::default(),
    }
}

fn complete(leased: &windlass::LeasedTask) -> Settle {
    settle(leased, Outcome::complete(Payload::null()), 0)
}

/// What `work` answers while `news` happen a moment later, and that it took no longer than `SOON`.
async fn woken<T>(
    place: String,
    work: impl Future<Output = T>,
    news: impl Future<Output = ()>,
) -> T {
    let start = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        news.await;
    };
    let answer = tokio::time::timeout(SOON, async { tokio::join!(work, later).0 }).await;
    answer.unwrap_or_else(|_| panic!("{place}: nothing after {:?}", start.elapsed()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_wakes_a_worker_of_another_connection() {
    for (here, there, _folder) in pairs("submit").await {
        let leased = woken(here.location(), there.lease(request(Duration::from_secs(50))), async {
            here.submit(spec()).await.unwrap();
        });
        assert_eq!(leased.await.unwrap().tasks.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_wakes_a_wait_of_another_connection() {
    for (here, there, _folder) in pairs("wait").await {
        let id = here.submit(spec()).await.unwrap().task_id.to_string();
        let leased = here.lease(request(Duration::ZERO)).await.unwrap().tasks.remove(0);
        let task = woken(here.location(), there.wait(&id, Some(Duration::from_secs(50))), async {
            here.settle(vec![complete(&leased)], None).await.unwrap();
        });
        assert_eq!(task.await.unwrap().status, TaskStatus::Completed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_wakes_a_reader_of_another_connection() {
    for (here, there, _folder) in pairs("stream").await {
        let id = here.submit(spec()).await.unwrap().task_id.to_string();
        let leased = here.lease(request(Duration::ZERO)).await.unwrap().tasks.remove(0);
        let mut stream = there.updates(&id, 1).unwrap();
        let renewal = Renewal {
            task_id: leased.task.task_id,
            token: leased.token,
            extend: None,
            started: None,
            updates: vec![NewUpdate::Progress { progress: 5.0, message: None }],
        };
        let update = woken(here.location(), stream.next(), async {
            here.renew(vec![renewal]).await.unwrap();
        });
        assert_eq!(update.await.unwrap().unwrap().seq, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_wakes_whoever_runs_the_task() {
    for (here, there, _folder) in pairs("cancel").await {
        let id = here.submit(spec()).await.unwrap().task_id.to_string();
        there.lease(request(Duration::ZERO)).await.unwrap();
        let hint = there.service().cancel_hint();
        woken(here.location(), hint, async {
            here.cancel(&id).await.unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_connection_is_closed_for_itself() {
    for (here, there, _folder) in pairs("close").await {
        let id = here.submit(spec()).await.unwrap().task_id.to_string();
        there.close().await.unwrap();
        assert_eq!(there.get(&id).await.unwrap_err().code(), "client_closed");
        let place = here.location();
        assert!(here.get(&id).await.is_ok(), "{place}: the other connection goes on");
        assert!(here.submit(spec()).await.is_ok(), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_ends_what_waits() {
    for (here, _there, _folder) in pairs("close-wait").await {
        let id = here.submit(TaskSpec::new("nobody", Payload::null())).await.unwrap().task_id;
        let closing = async {
            here.close().await.unwrap();
        };
        let id = id.to_string();
        let work = async {
            tokio::join!(
                here.lease(request(Duration::from_secs(50))),
                here.wait(&id, Some(Duration::from_secs(50))),
            )
        };
        let (lease, wait) = woken(here.location(), work, closing).await;
        assert_eq!(lease.unwrap_err().code(), "client_closed");
        assert_eq!(wait.unwrap_err().code(), "client_closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_past_an_end_that_was_retried() {
    // The first failure is entry 256, the last of what a reader fetches at once.
    for (here, _there, _folder) in pairs("long").await {
        let id = here.submit(spec()).await.unwrap().task_id.to_string();
        let leased = here.lease(request(Duration::ZERO)).await.unwrap().tasks.remove(0);
        let error = TaskError::new("handler_error", "no").fatal();
        let failure = settle(&leased, Outcome::Fail { error }, 253);
        here.settle(vec![failure], None).await.unwrap();
        assert_eq!(here.get(&id).await.unwrap().last_seq, 256);
        here.retry(&id).await.unwrap();
        let leased = here.lease(request(Duration::ZERO)).await.unwrap().tasks.remove(0);
        here.settle(vec![complete(&leased)], None).await.unwrap();
        let mut stream = here.updates(&id, 0).unwrap();
        let mut seqs = Vec::new();
        while let Some(update) = stream.next().await {
            seqs.push(update.unwrap().seq);
        }
        assert_eq!(seqs, (1..=259).collect::<Vec<_>>());
    }
}
