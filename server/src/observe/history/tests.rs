use windlass::{Clock, ConnectOptions, ManualClock, Payload, TaskSpec};

use super::*;

async fn stage() -> (Client, Arc<ManualClock>, Arc<History>) {
    let clock = Arc::new(ManualClock::default());
    let options = ConnectOptions { clock: Some(clock.clone()), ..ConnectOptions::default() };
    let client = windlass::connect_with("memory:", options).await.unwrap();
    (client, clock, Arc::default())
}

async fn submit(client: &Client, tenant: &str) {
    let spec = TaskSpec::new("send", Payload::null());
    client.service().submit(tenant, vec![spec], Default::default()).await.unwrap();
}

async fn told(history: &History, client: &Client, tenant: &str) -> Told {
    history.read(client.service(), tenant, History::LONGEST).await.unwrap()
}

#[tokio::test]
async fn steps_are_counted_although_nobody_asks() {
    let (client, clock, history) = stage().await;
    let (book, service) = (Arc::downgrade(&history), Arc::downgrade(client.service()));
    let pause = count(&book, &service).await.unwrap();
    assert!((SETTLED..=STEP).contains(&pause), "{pause:?}");
    submit(&client, DEFAULT_TENANT).await;
    for _ in 0..20 {
        clock.advance(STEP);
        let pause = count(&book, &service).await.unwrap();
        assert!((SETTLED..=STEP).contains(&pause), "{pause:?}");
    }
    let told = told(&history, &client, DEFAULT_TENANT).await;
    assert!(told.points.len() >= 20, "a reader alone would find the last six");
    assert!(told.points[7..].iter().all(|point| point.stands.is_some_and(|now| now.pending == 1)));
    client.close().await.unwrap();
    clock.advance(STEP);
    assert_eq!(count(&book, &service).await, None, "nobody is left to count for");
}

#[tokio::test]
async fn tenants_beyond_the_bound_are_not_watched() {
    let (client, clock, history) = stage().await;
    told(&history, &client, DEFAULT_TENANT).await;
    for n in 0..3 * TENANTS {
        submit(&client, &format!("t{n:03}")).await;
    }
    clock.advance(STEP + SETTLED);
    told(&history, &client, DEFAULT_TENANT).await;
    assert_eq!(history.book.lock().await.rings.len(), TENANTS);
    // Who asks is watched from then on, in the place of another.
    assert!(told(&history, &client, "t190").await.points.is_empty());
    submit(&client, "t190").await;
    clock.advance(STEP);
    let points = told(&history, &client, "t190").await.points;
    assert_eq!(points.last().and_then(|point| point.stands).map(|now| now.pending), Some(2));
    let rings = &history.book.lock().await.rings;
    assert_eq!((rings.len(), rings.contains_key(DEFAULT_TENANT)), (TENANTS, true));
}

#[tokio::test]
async fn a_tenant_that_did_nothing_for_an_hour_makes_room() {
    let (client, clock, history) = stage().await;
    told(&history, &client, DEFAULT_TENANT).await;
    for n in 0..TENANTS - 1 {
        submit(&client, &format!("t{n:03}")).await;
    }
    clock.advance(STEP + SETTLED);
    told(&history, &client, DEFAULT_TENANT).await;
    submit(&client, "early").await;
    clock.advance(STEP);
    told(&history, &client, DEFAULT_TENANT).await;
    assert!(!history.book.lock().await.rings.contains_key("early"), "all others were busy lately");
    clock.advance(History::LONGEST);
    submit(&client, "late").await;
    clock.advance(STEP + SETTLED);
    let points = told(&history, &client, "late").await.points;
    assert_eq!(points.last().and_then(|point| point.went).map(|went| went.submitted), Some(1));
    assert_eq!(history.book.lock().await.rings.len(), TENANTS);
}

#[tokio::test]
async fn a_clock_that_steps_back_begins_anew() {
    let (client, clock, history) = stage().await;
    clock.advance(History::LONGEST);
    submit(&client, DEFAULT_TENANT).await;
    clock.advance(STEP + SETTLED);
    assert!(!told(&history, &client, DEFAULT_TENANT).await.points.is_empty());
    clock.set(clock.now().before(History::LONGEST / 2));
    let back = told(&history, &client, DEFAULT_TENANT).await;
    assert!(back.points.iter().all(|point| point.at <= clock.now()), "{back:?}");
    clock.advance(STEP);
    assert!(told(&history, &client, DEFAULT_TENANT).await.points.len() > back.points.len());
}
