# nightly.py
import windlass
from prices import clean, extract, join, load, prices

with windlass.Client() as client:
    pipeline = client.create_pipeline("nightly", labels={"team": "data"})

    first = pipeline.add_stage("extract", task=extract.bind(source="s3://bucket/data.csv"))
    one = pipeline.add_stage("clean", task=clean.bind(), depends_on=[first])
    two = pipeline.add_stage("prices", task=prices.bind(factor=1.5), depends_on=[first])
    both = pipeline.add_stage("join", task=join.bind(), depends_on=[one, two])
    pipeline.add_stage("load", task=load.bind("postgres://..."), depends_on=[both])

    pipeline.execute(priority="high", timeout=3600)  # stored, and under way
    for change in pipeline.monitor():  # every change of a stage, then one item for the end
        print(change.stage, change.status, round(change.progress), change.error)

    assert pipeline.result(first) == [3, 1, 2]  # typed as the handler is annotated
    assert pipeline.results()["join"] == {"clean": 6, "prices": 9.0}
    print(pipeline.status().to_mermaid())  # a picture like the one above
