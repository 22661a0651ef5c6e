# Clip index -> picture clock, face crops, sound, whole pictures where asked for. Clips are skipped inside by key; the manifest is the output.
rule media:
    input:
        clips=f"{RESULTS}/{{dataset}}/clips.json",
    output:
        manifest=f"{RESULTS}/{{dataset}}/manifests/media/{{shard}}.json",
    params:
        abaw=command,
        settings=settings_digest(CONFIG.media),
        shards=CONFIG.shards,
        code=media_codes(CONFIG.media),
        lost=lambda wildcards: lost(layout(wildcards.dataset).media_shard(int(wildcards.shard))),
    log:
        f"{LOGS}/media/{{dataset}}-{{shard}}.log",
    benchmark:
        f"{TIMES}/media/{{dataset}}-{{shard}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "faces and sound of {wildcards.dataset}, shard {wildcards.shard}"
    shell:
        "{params.abaw} media {wildcards.dataset} --shard {wildcards.shard} > {log} 2>&1"
