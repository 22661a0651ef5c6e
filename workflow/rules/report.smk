# Everything -> one page.
rule report:
    input:
        ensembles=[layout(dataset).ensemble_manifest(name) for name, dataset in PAIRS],
        models=[
            trained_on(name).model(name, fold, seed) / "model.json" for name in CONFIG.experiments for fold, seed in runs(name)
        ],
        submissions=SUBMISSIONS,
    output:
        page=report(PAGE, category="Scores", labels={"page": "scores, curves, what was random, what was skipped"}),
    params:
        abaw=command,
        code=code_digest("report.build"),
        template=[file_digest(path) for path in sorted((PACKAGE / "report").glob("*.html"))],
        papers=digest([CONFIG.scale, [[one.model_dump() for one in reported(name)] for name in CONFIG.presets]]),
    log:
        f"{LOGS}/report/report.log",
    benchmark:
        f"{TIMES}/report/report.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "write {output.page}"
    shell:
        "{params.abaw} report > {log} 2>&1"
