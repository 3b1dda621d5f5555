"""How a run's trainer is started: one process from the standby, or several by accelerate's launcher."""

from pathlib import Path

from django.conf import settings

from embassy.platform.children import Child, start_child
from embassy.training import launch
from embassy.training.spec import read_spec
from embassy.training.supervisor.folder import RunFolder


def start_trainer(program: str, folder: RunFolder, spec_file: Path) -> Child:
    """Raises ChildStartError. The child is `program` itself, or the parent of several of the runner's."""
    spec = read_spec(spec_file)
    log = folder.log(spec.attempt)
    if spec.parameters.num_processes > 1:
        config = folder.path / f"accelerate-{spec.attempt}.json"
        config.write_text(launch.config(spec.parameters), encoding="utf-8")
        program, argv = launch.PROGRAM, launch.arguments(config, spec_file)
        return start_child(program=program, argv=argv, env={}, cwd=folder.path, log=log, standby=None)
    standby = settings.TRAINING_STANDBY if launch.may_be_forked(spec, has_gpu=launch.has_gpu()) else ""
    return start_child(
        program=program,
        argv=[str(spec_file)],
        env={},
        cwd=folder.path,
        log=log,
        standby=Path(standby) if standby else None,
    )
