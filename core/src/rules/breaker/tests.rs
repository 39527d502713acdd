use super::*;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Opened at second 0 by its third failure.
fn open(config: BreakerConfig) -> Breaker {
    let mut breaker = Breaker::new("db", BreakerConfig { failure_threshold: 3, ..config }).unwrap();
    for _ in 0..3 {
        let permit = breaker.try_call(at(0)).unwrap();
        breaker.failed(permit, at(0));
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker
}

fn refused(breaker: &mut Breaker, now: Duration) -> Duration {
    match breaker.try_call(now) {
        Err(Error::CircuitBreakerOpen { name, retry_after }) if name == "db" => retry_after,
        other => panic!("{other:?}"),
    }
}

// CB-01, CB-02, CB-12
#[test]
fn it_begins_closed_and_shows_what_it_counts() {
    let mut breaker = Breaker::simple("db", 5, at(60)).unwrap();
    assert_eq!((breaker.name(), breaker.state().as_str()), ("db", "closed"));
    assert_eq!((breaker.failure_count(), breaker.last_failure()), (0, None));
    let permit = breaker.try_call(at(7)).unwrap();
    breaker.failed(permit, at(9));
    assert_eq!((breaker.failure_count(), breaker.last_failure()), (1, Some(at(9))));
    let words = [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen];
    assert_eq!(words.map(BreakerState::as_str), ["closed", "open", "half-open"]);
}

// CB-07
#[test]
fn only_failures_in_a_row_open_it() {
    let mut breaker = Breaker::simple("db", 2, at(60)).unwrap();
    for good in [false, true, false, true, false] {
        let permit = breaker.try_call(at(1)).unwrap();
        if good {
            breaker.succeeded(permit)
        } else {
            breaker.failed(permit, at(1))
        }
        assert_eq!(breaker.failure_count(), u32::from(!good));
    }
    let permit = breaker.try_call(at(1)).unwrap();
    breaker.failed(permit, at(1));
    assert_eq!((breaker.state(), breaker.failure_count()), (BreakerState::Open, 2));
}

// CB-04, CB-05
#[test]
fn it_is_open_until_its_time_has_passed_to_the_instant() {
    let mut breaker = open(BreakerConfig { success_threshold: 1, ..BreakerConfig::default() });
    assert_eq!(refused(&mut breaker, at(0)), at(30));
    assert_eq!(refused(&mut breaker, at(29)), at(1));
    let permit = breaker.try_call(at(30)).unwrap();
    assert!(permit.is_probe());
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.succeeded(permit);
    assert_eq!((breaker.state(), breaker.failure_count()), (BreakerState::Closed, 0));
    assert_eq!(breaker.last_failure(), Some(at(0)));
}

// CB-08
#[test]
fn a_bad_probe_opens_it_again_at_once() {
    let mut breaker = open(BreakerConfig::default());
    let permit = breaker.try_call(at(30)).unwrap();
    breaker.failed(permit, at(31));
    assert_eq!((breaker.state(), breaker.failure_count()), (BreakerState::Open, 4));
    assert_eq!(refused(&mut breaker, at(60)), at(1), "counted from the probe's failure");
    assert!(breaker.try_call(at(61)).is_ok());
}

// CB-09, CB-10
#[test]
fn it_closes_after_as_many_good_probes_as_it_was_told() {
    let mut breaker = open(BreakerConfig::default());
    for _ in 0..3 {
        assert_ne!(breaker.state(), BreakerState::Closed);
        let permit = breaker.try_call(at(40)).unwrap();
        breaker.succeeded(permit);
    }
    assert_eq!((breaker.state(), breaker.failure_count()), (BreakerState::Closed, 0));
    let mut breaker = open(BreakerConfig::default());
    for good in [true, true, false] {
        let permit = breaker.try_call(at(40)).unwrap();
        if good { breaker.succeeded(permit) } else { breaker.failed(permit, at(40)) }
    }
    assert_eq!(breaker.state(), BreakerState::Open, "good probes do not outlive a bad one");
    let permit = breaker.try_call(at(70)).unwrap();
    breaker.succeeded(permit);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

// CB-05 [X35]
#[test]
fn one_probe_at_a_time() {
    let mut breaker = open(BreakerConfig::default());
    let probe = breaker.try_call(at(30)).unwrap();
    assert_eq!(refused(&mut breaker, at(90)), at(1));
    breaker.succeeded(probe);
    assert!(breaker.try_call(at(90)).is_ok());
}

// CB-06, CB-11
#[test]
fn what_is_released_counts_neither_way() {
    let config = BreakerConfig { excluded: vec!["task_failed".into()], ..Default::default() };
    let mut breaker = Breaker::new("db", BreakerConfig { failure_threshold: 2, ..config }).unwrap();
    assert!(breaker.excludes("task_failed") && !breaker.excludes("internal"));
    let permit = breaker.try_call(at(0)).unwrap();
    breaker.failed(permit, at(0));
    let permit = breaker.try_call(at(0)).unwrap();
    breaker.released(permit);
    assert_eq!(breaker.failure_count(), 1, "neither a failure nor a success");
    let mut breaker = open(BreakerConfig::default());
    let permit = breaker.try_call(at(30)).unwrap();
    breaker.released(permit);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(breaker.try_call(at(30)).unwrap().is_probe(), "the next caller probes");
}

#[test]
fn a_late_answer_to_an_earlier_state_says_nothing() {
    let mut breaker = Breaker::simple("db", 1, at(10)).unwrap();
    let [slow_good, slow_bad, bad] = [(); 3].map(|()| breaker.try_call(at(0)).unwrap());
    breaker.failed(bad, at(1));
    breaker.failed(slow_bad, at(5));
    assert_eq!(breaker.last_failure(), Some(at(1)));
    let probe = breaker.try_call(at(11)).unwrap();
    breaker.succeeded(slow_good);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.succeeded(probe);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_clock_that_stands_still_or_a_threshold_of_none_does_no_harm() {
    let mut breaker = open(BreakerConfig { timeout: Duration::ZERO, ..Default::default() });
    assert!(breaker.try_call(at(0)).unwrap().is_probe());
    for (failure, success, field) in [(0, 1, "failure_threshold"), (1, 0, "success_threshold")] {
        let config = BreakerConfig {
            failure_threshold: failure,
            success_threshold: success,
            ..BreakerConfig::default()
        };
        assert_eq!(Breaker::new("x", config).unwrap_err().fields()["field"], field);
    }
}
