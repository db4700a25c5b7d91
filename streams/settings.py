"""Settings of a stream worker."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class WorkerSettings(BaseModel):
    """How one worker works; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: str = Field(
        default="chatledger",
        pattern=r"^[a-zA-Z0-9_-]+$",
        description="Consumer group; all workers of an installation share it",
    )
    state_dir: Path | None = Field(
        default=None, description="Folder for open slices and closings; by default state_dir/worker"
    )
    store_concurrency: int = Field(
        default=16, ge=1, le=256, description="Closed slices that are stored at the same time"
    )
    commit_seconds: float = Field(default=2.0, gt=0, description="Pause between two commits")
    session_seconds: float = Field(
        default=10.0, ge=1, description="A worker silent for so long has lost its partitions"
    )
    request_seconds: float = Field(default=40.0, ge=5, description="Longest wait for one answer of Kafka")
    outage_seconds: float = Field(
        default=1200.0, ge=30, description="Longest Kafka outage that a worker rides out before it exits"
    )
    stall_seconds: float = Field(
        default=300.0, ge=10, description="A worker that has work waiting and does not move for so long exits"
    )
    stop_seconds: float = Field(
        default=15.0,
        gt=0,
        description="Longest time for a stop; what Kafka or the store has not taken by then the next worker does. "
        "`chatledger run` waits 20 s for its processes, compose 30 s",
    )
    refusal_window: int = Field(
        default=200, ge=1, description="The worker stops when half of so many records in a row were refused"
    )
