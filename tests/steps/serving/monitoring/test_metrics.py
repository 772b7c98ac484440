from __future__ import annotations

from steps.serving.monitoring.metrics import Metrics


def test_everything_that_is_counted_is_shown() -> None:
    metrics = Metrics()
    metrics.show_version("first", 1.0)
    metrics.count_request("/predict", 200, 0.003)
    metrics.count_request("/predict", 200, 0.2)
    metrics.count_rows("first", 12)
    metrics.count_refusal("token")
    metrics.show_refused_version("second")
    text = metrics.text().decode()
    for line in (
        'covertype_request_seconds_bucket{le="0.005",route="/predict"} 1.0',
        'covertype_request_seconds_count{route="/predict"} 2.0',
        'covertype_requests_total{route="/predict",status="200"} 2.0',
        'covertype_rows_total{version="first"} 12.0',
        'covertype_refused_total{reason="token"} 1.0',
        'covertype_model_version_info{version="first"} 1.0',
        'covertype_refused_version_info{version="second"} 1.0',
        'covertype_reloads_total{result="failed"} 1.0',
    ):
        assert line in text, line
    metrics.show_refused_version("second", failed=False)
    assert 'covertype_refused_version_info{version="second"} 0.0' in metrics.text().decode()
