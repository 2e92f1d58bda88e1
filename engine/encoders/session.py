"""Opens ONNX files for running: on the device that really works, with a desktop's settings and errors in words."""

from __future__ import annotations

import logging
import re
import threading
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np

from .. import packages
from ..errors import Cancelled, DeviceError, EarthprintError, ModelError, PackageError
from ..onnxfile import check_trustworthy, sha256
from ..progress import Progress
from .device import CPU, CUDA, cuda_problem, physical_cores, preload
from .numpy_session import NumpySession

LOG = logging.getLogger("earthprint")

DEVICES = ("auto", "cpu", "cuda")
OUT_OF_MEMORY = re.compile(
    r"bad[ _]?alloc|out of memory|failed to allocate memory|available memory of \d+ is smaller"
    r"|cudaErrorMemoryAllocation|CUDNN_STATUS_ALLOC_FAILED|CUBLAS_STATUS_ALLOC_FAILED|Could not allocate",
    re.IGNORECASE)
DAMAGED = re.compile(r"Protobuf parsing failed|No graph was found|ModelProto does not have a graph", re.IGNORECASE)
TOO_NEW = re.compile(r"Unsupported model IR version|opset \d+ is under development", re.IGNORECASE)
UNKNOWN_STEP = re.compile(r"is not a registered function/op|No Op registered|NOT_IMPLEMENTED"
                          r"|Could not find an implementation|Fatal error: [^ ]+ is not", re.IGNORECASE)
# What the runtime's own checks put before a message: file, line and the signature of a function.
SIGNATURE = re.compile(r"\S+\.(cc|h|cpp|cu):\d+ ([^()]*\(([^()]|\([^()]*\))*\) (const )?(\[with [^\]]*\] )?)?")
TYPES = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(uint16)": np.uint16, "tensor(int16)": np.int16,
    "tensor(int32)": np.int32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_,
}


class OutOfMemory(ModelError):
    """A run needed more memory than there is; a smaller batch may do."""


class Session:
    """An ONNX graph that is ready to run; one thread computes, any other may tell it to stop."""

    def __init__(self, core: Any, runtime: Optional[ModuleType], model_path: Path, device: str,
                 device_report: str) -> None:
        """Take an open session and the module it is of, or the NumPy evaluator and None."""
        self.device = device
        self.device_report = device_report
        self.model_path = model_path
        self._core = core
        self._runtime = runtime
        self._lock = threading.Lock()
        self._running: Set[Any] = set()
        self._terminated = False
        self._inputs = {item.name: item for item in core.get_inputs()}
        self._outputs = [item.name for item in core.get_outputs()]

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Optional[Sequence[str]] = None) -> List[np.ndarray]:
        """Compute the named outputs (all, if none are named) from arrays by input name."""
        if self._core is None:
            raise ModelError("session-closed", "The encoder {path} was closed before it was run.",
                             path=self.model_path)
        self._check_feeds(feeds)
        names = list(self._outputs if outputs is None else outputs)
        self._check_outputs(names)
        with self._run_options() as options:
            try:
                if options is None:
                    return list(self._core.run(names, dict(feeds)))
                return list(self._core.run(names, dict(feeds), options))
            except EarthprintError:
                raise
            except Exception as error:  # the runtime has its own exception types, and passes on those of drivers
                if self._terminated:
                    raise Cancelled() from error
                raise run_error(self.model_path, error, feeds) from error

    def terminate(self) -> None:
        """End the run in progress, and refuse later ones; any thread may call this."""
        with self._lock:
            self._terminated = True
            for options in self._running:
                options.terminate = True

    def close(self) -> None:
        """Let go of the graph and its memory."""
        self._core = None

    @contextmanager
    def _run_options(self) -> Iterator[Any]:
        """Give options that `terminate` can reach while the run lasts; None for the NumPy evaluator."""
        options = None
        if self._runtime is not None:
            options = self._runtime.RunOptions()
            options.log_severity_level = 4
        with self._lock:
            if self._terminated:
                raise Cancelled()
            if options is not None:
                self._running.add(options)
        try:
            yield options
        finally:
            with self._lock:
                self._running.discard(options)

    def _check_feeds(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Compare what is fed with what the graph declares, because its own messages are hard to read."""
        for name, declared in self._inputs.items():
            if name not in feeds:
                raise ModelError("input-missing", "The encoder {path} has an input {name} that its card doesn't "
                                 "explain: add the input to the card.", path=self.model_path, name=name)
            array = feeds[name]
            shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in declared.shape or ())
            if shape and not _fits(array.shape, shape):
                raise ModelError(
                    "input-shape", "The encoder {path} takes {expected} for its input {name} but was given {found}: "
                    "correct the bands, the tile size or the dates in its card.", path=self.model_path, name=name,
                    expected=shape_text(shape), found=shape_text(array.shape))
            expected = TYPES.get(declared.type)
            if expected is not None and array.dtype != expected:
                raise ModelError(
                    "input-type", "The encoder {path} takes {expected} for its input {name} but its card says {found}: "
                    "correct the data type in the card.", path=self.model_path, name=name,
                    expected=np.dtype(expected).name, found=array.dtype.name)
        for name in feeds:
            if name not in self._inputs:
                raise ModelError("input-unknown", "The card of {path} describes an input {name}, but the graph only "
                                 "has {known}: correct the card.", path=self.model_path, name=name,
                                 known=", ".join(self._inputs))

    def _check_outputs(self, names: Sequence[str]) -> None:
        """Refuse a name that the graph doesn't have."""
        for name in names:
            if name not in self._outputs:
                raise ModelError("output-unknown", "The card of {path} describes an output {name}, but the graph only "
                                 "has {known}: correct the card.", path=self.model_path, name=name,
                                 known=", ".join(self._outputs))


def open_session(model_path: "str | Path", device: str = "auto", threads: int = 0,
                 progress: Optional[Progress] = None, checksum: str = "") -> Session:
    """Check an ONNX file and open it on a device: `auto` falls back to the CPU and says why, `cuda` fails instead."""
    path = Path(model_path)
    if device not in DEVICES:
        raise DeviceError("device-unknown", "The device {device} is unknown: use {known}.", device=device,
                          known=" or ".join(DEVICES))
    check_file(path, checksum)
    try:
        runtime = packages.require("onnxruntime")
    except PackageError as missing:
        return _announced(_without_runtime(path, device, missing), progress)
    if device == "cpu":
        core = _create(runtime, path, CPU, threads)
        return _announced(Session(core, runtime, path, "cpu", "CPU, as asked."), progress)
    problem = cuda_problem(progress)
    core = None
    if problem is None:
        try:
            preload(runtime)
            core = _create(runtime, path, CUDA, threads)
            if CUDA not in core.get_providers():
                core, problem = None, "onnxruntime opened this encoder without CUDA"
        except (OutOfMemory, DeviceError) as error:
            problem = str(error)
    if core is not None:
        return _announced(Session(core, runtime, path, "cuda", "CUDA."), progress)
    if device == "cuda":
        raise DeviceError("cuda-refused", "CUDA was asked for but can't be used: {reason}. Choose the device auto or "
                          "cpu.",
                          reason=str(problem).rstrip("."))
    return _announced(on_cpu(path, threads, str(problem)), progress)


def on_cuda(path: Path, threads: int) -> Session:
    """Open a checked file on CUDA anew, which gives back the memory that an earlier session had gathered."""
    runtime = packages.require("onnxruntime")
    return Session(_create(runtime, path, CUDA, threads), runtime, path, "cuda", "CUDA.")


def on_cpu(path: Path, threads: int, reason: str) -> Session:
    """Open a checked file on the CPU because another device won't do."""
    runtime = packages.require("onnxruntime")
    report = "CPU. CUDA was not used: {}.".format(reason.rstrip("."))
    return Session(_create(runtime, path, CPU, threads), runtime, path, "cpu", report)


def check_file(path: Path, checksum: str = "") -> None:
    """Check a model file before anything opens it: it is there, it is an ONNX graph, and it is the one expected."""
    if not path.is_file():
        raise ModelError("model-missing", "There is no encoder file {path}: give the path of an .onnx file.", path=path)
    check_trustworthy(path)
    if checksum:
        found = sha256(path)
        if found != checksum:
            raise ModelError(
                "checksum-differs", "The encoder {path} is not the file its card describes (its SHA-256 is {found}, "
                "the card says {expected}): get the file again, or add it anew with Add an encoder.", path=path,
                found=found[:12] + "…", expected=checksum[:12] + "…")


def _announced(session: Session, progress: Optional[Progress]) -> Session:
    """Say in the run's log where the encoder runs."""
    text = "Device: {}".format(session.device_report)
    if progress is not None:
        progress.info(text)
    else:
        LOG.info(text)
    return session


def _without_runtime(path: Path, device: str, missing: PackageError) -> Session:
    """Fall back on NumPy for graphs simple enough; for others the missing package is the error."""
    if device == "cuda":
        raise missing
    try:
        core = NumpySession(path)
    except PackageError as error:
        raise missing from error
    report = "CPU with NumPy alone, which is slow: onnxruntime can't be used ({}).".format(
        packages.state("onnxruntime").problem or "it does not load")
    return Session(core, None, path, "cpu", report)


def _create(runtime: Any, path: Path, provider: str, threads: int) -> Any:
    """Make the runtime's session with settings that leave the desktop alive."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads if threads > 0 else physical_cores()
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Memory goes back after each run: 364 instead of 632 MiB at the peak of a wide convolution. Transformers and the
    # automatic encoder run as fast as with the arena; only convolutions of very large activations would gain by it.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: "List[Tuple[str, dict[str, str]]]" = [(CPU, {})]
    if provider == CUDA:
        # Without TF32 the two devices agree to float tolerance, so that a space is the same space on both.
        providers.insert(0, (CUDA, {"arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "HEURISTIC",
                                    "use_tf32": "0"}))
    try:
        core = runtime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # the runtime has its own exception types, and passes on those of drivers
        raise open_error(path, error, runtime.__version__, provider) from error
    core.disable_fallback()
    return core


def open_error(path: Path, error: Exception, version: str, provider: str = CPU) -> EarthprintError:
    """Turn what the runtime says when it can't open a file into a sentence."""
    text = _reason(error)
    if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(text):
        return OutOfMemory("model-memory", "The encoder {path} doesn't fit into memory: close other programs or use a "
                           "smaller encoder.", path=path)
    if DAMAGED.search(text):
        return ModelError("model-damaged", "The encoder {path} is damaged or incomplete: copy or download it again.",
                          path=path)
    if TOO_NEW.search(text):
        return ModelError("model-too-new", "The encoder {path} is written for a newer onnxruntime than the {version} "
                          "here ({reason}): update onnxruntime, or export the encoder with opset 17.", path=path,
                          version=version, reason=text)
    if UNKNOWN_STEP.search(text):
        return ModelError("model-operators", "The encoder {path} uses an operation that onnxruntime {version} doesn't "
                          "know ({reason}): export it with standard ONNX operations.", path=path, version=version,
                          reason=text)
    if provider == CUDA and re.search("CUDA|CUDNN|CUBLAS|GPU", text):
        return DeviceError("cuda-failed", "CUDA failed to open the encoder {path} ({reason}).", path=path, reason=text)
    return ModelError("model-refused", "The encoder {path} can't be opened ({reason}): export it again.", path=path,
                      reason=text)


def run_error(path: Path, error: Exception, feeds: Mapping[str, np.ndarray]) -> EarthprintError:
    """Turn what the runtime says when a run fails into a sentence."""
    text = _reason(error)
    given = "; ".join("{} {}".format(name, shape_text(array.shape)) for name, array in feeds.items())
    if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(text):
        return OutOfMemory("run-memory", "The encoder {path} ran out of memory on an input of {given}: use a smaller "
                           "tile or batch.", path=path, given=given)
    return ModelError("run-failed", "The encoder {path} failed on an input of {given} ({reason}): correct the tile "
                      "size, bands or dates in its card.", path=path, given=given, reason=text)


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape for people, a dynamic axis as "any"."""
    return " × ".join("any" if size < 0 else str(size) for size in shape) or "one number"


def _fits(found: Sequence[int], declared: Sequence[int]) -> bool:
    """Tell whether an array's shape agrees with a declared one."""
    return len(found) == len(declared) and all(want in (-1, have) for have, want in zip(found, declared))


def _reason(error: Exception) -> str:
    """Keep what matters of a runtime's message: one line without its code prefix and source locations."""
    text = " ".join(str(error).split())
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", text)
    text = re.sub(r"^Load model from .*? failed: ?", "", text)
    text = re.sub(r"^.*Status Message: ", "", text)
    text = SIGNATURE.sub("", text).rstrip(". ")
    return text if len(text) <= 300 else text[:297] + "…"
