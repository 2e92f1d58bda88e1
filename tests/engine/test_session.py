"""Sessions: the device that was asked for, the reason for another, stopping, and errors in words."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import List

import numpy as np
import pytest

from earthprint.engine.encoders import device as devices
from earthprint.engine.encoders import session as sessions
from earthprint.engine.encoders.session import OutOfMemory, open_error, open_session, run_error
from earthprint.engine.errors import Cancelled, DeviceError, ModelError, PackageError
from earthprint.engine.onnxfile import sha256
from earthprint.engine.onnxgraph import OnnxGraph

ort = pytest.importorskip("onnxruntime", reason="onnxruntime is needed to run encoders")


class Told:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.texts: List[str] = []

    def report(self, fraction, text=None):
        pass

    def info(self, text):
        self.texts.append(text)

    warn = info

    def cancelled(self):
        return False


def write(path: Path, graph: OnnxGraph) -> Path:
    path.write_bytes(graph.to_bytes())
    return path


@pytest.fixture
def product(tmp_path):
    """A graph of one matrix product: (n, 3) @ (3, 2), with a second output of the sines."""
    graph = OnnxGraph("product")
    graph.input("x", ["n", 3])
    graph.weight("w", np.array([[1, 2], [3, 4], [5, 6]], np.float32))
    graph.node("MatMul", ["x", "w"], "y")
    graph.node("Sin", ["x"], "z")
    graph.output("y", ["n", 2])
    graph.output("z", ["n", 3])
    return write(tmp_path / "product.onnx", graph)


@pytest.fixture
def slow(tmp_path):
    """A graph of many large matrix products, some seconds long on two cores."""
    graph = OnnxGraph("slow")
    graph.input("x", [1500, 1500])
    graph.weight("w", np.full((1500, 1500), 1 / 1500, np.float32))
    name = "x"
    for step in range(400):
        name = graph.node("MatMul", [name, "w"], "p{}".format(step))
    graph.output(name, [1500, 1500])
    return write(tmp_path / "slow.onnx", graph)


def test_outputs_are_chosen_by_name_and_are_right(product):
    x = np.array([[1, 0, 0], [0.5, 1, 2]], np.float32)
    session = open_session(product, "cpu")
    y, z = session.run({"x": x})
    np.testing.assert_allclose(y, [[1, 2], [13.5, 17]], rtol=1e-6)
    np.testing.assert_allclose(z, np.sin(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(session.run({"x": x}, ["z", "y"])[1], y)
    assert len(session.run({"x": x}, ["z"])) == 1
    session.close()
    with pytest.raises(ModelError, match="closed"):
        session.run({"x": x})


def test_settings_are_those_of_a_desktop(product, monkeypatch):
    made = {}
    real = ort.InferenceSession

    def spy(path, options, providers):
        made.update(threads=options.intra_op_num_threads, between=options.inter_op_num_threads,
                    spinning=options.get_session_config_entry("session.intra_op.allow_spinning"),
                    arena=options.enable_cpu_mem_arena, providers=providers)
        return real(path, options, providers=providers)

    monkeypatch.setattr(ort, "InferenceSession", spy)
    open_session(product, "cpu", threads=3)
    assert made == {"threads": 3, "between": 1, "spinning": "0", "arena": False, "providers": [(devices.CPU, {})]}
    open_session(product, "cpu")
    assert made["threads"] == devices.physical_cores() >= 1


def test_auto_falls_back_and_says_why(product, monkeypatch):
    monkeypatch.setattr(sessions, "cuda_problem", lambda progress: "the driver is asleep.")
    told = Told()
    session = open_session(product, "auto", progress=told)
    assert session.device == "cpu"
    assert session.device_report == "CPU. CUDA was not used: the driver is asleep."
    assert told.texts == ["Device: CPU. CUDA was not used: the driver is asleep."]


def test_cuda_fails_with_the_reason_when_asked_for(product, monkeypatch):
    monkeypatch.setattr(sessions, "cuda_problem", lambda progress: "the driver is asleep")
    with pytest.raises(DeviceError, match="CUDA was asked for but can't be used: the driver is asleep. Choose"):
        open_session(product, "cuda")


def test_cuda_is_not_believed_because_the_trial_passed(product, monkeypatch):
    """Where the runtime quietly opens the encoder on the CPU, the session says cpu."""
    if devices.CUDA in ort.get_available_providers():
        pytest.skip("this runtime has CUDA")
    monkeypatch.setattr(sessions, "cuda_problem", lambda progress: None)
    session = open_session(product, "auto")
    assert session.device == "cpu" and "without CUDA" in session.device_report
    with pytest.raises(DeviceError, match="without CUDA"):
        open_session(product, "cuda")


def test_cuda_is_opened_with_careful_options(product, monkeypatch):
    """A stand-in for a runtime with CUDA: what it is given, what the session says, and what a failure becomes."""
    made = []

    class Fake:
        failure = None

        def __init__(self, path, options, providers):
            if self.failure and providers[0][0] == devices.CUDA:
                raise RuntimeError(self.failure)
            self.providers = dict(providers)
            made.append(self.providers)
            self.real = ort_session(path, providers=[devices.CPU])
            self.get_inputs, self.get_outputs = self.real.get_inputs, self.real.get_outputs

        def get_providers(self):
            return list(self.providers)

        def disable_fallback(self):
            made.append("no fallback")

        def run(self, names, feeds, options):
            return self.real.run(names, feeds, options)

    ort_session = ort.InferenceSession
    monkeypatch.setattr(ort, "InferenceSession", Fake)
    monkeypatch.setattr(sessions, "preload", lambda runtime: made.append("preloaded"))
    monkeypatch.setattr(sessions, "cuda_problem", lambda progress: None)
    for asked in ("auto", "cuda"):
        made.clear()
        session = open_session(product, asked)
        assert session.device == "cuda" and session.device_report == "CUDA."
        assert made == ["preloaded", {devices.CUDA: {"arena_extend_strategy": "kSameAsRequested", "use_tf32": "0",
                                                     "cudnn_conv_algo_search": "HEURISTIC"}, devices.CPU: {}},
                        "no fallback"]
        np.testing.assert_array_equal(session.run({"x": np.ones((1, 3), np.float32)})[0], [[9, 12]])
    for failure, words in (("CUDA failure 2: out of memory", "doesn't fit into memory"),
                           ("CUDNN_STATUS_NOT_INITIALIZED", "CUDNN_STATUS_NOT_INITIALIZED")):
        Fake.failure = failure
        session = open_session(product, "auto")
        assert session.device == "cpu" and words in session.device_report
        with pytest.raises(DeviceError, match=words):
            open_session(product, "cuda")


def test_runtime_without_cuda_is_named(monkeypatch):
    monkeypatch.setattr(ort, "get_available_providers", lambda: [devices.CPU])
    assert "onnxruntime {} has no CUDA".format(ort.__version__) in devices.cuda_problem()


def test_the_trial_runs_apart_and_reports_its_failure(tmp_path):
    if devices.CUDA in ort.get_available_providers():
        pytest.skip("this runtime has CUDA")
    model = tmp_path / "trial.onnx"
    model.write_bytes(devices.trial_model())
    problem = devices._trial_in_child(sys.executable, str(model), Told())
    assert problem is not None and problem.startswith("a trial on CUDA failed: ") and "did not load" in problem
    assert devices._trial_here(str(model)) == "a trial on CUDA failed: the CUDA provider did not load"


def test_a_trial_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "TRIAL_SCRIPT", "import time; time.sleep(60)")
    monkeypatch.setattr(devices, "TRIAL_SECONDS", 0.3)
    started = time.monotonic()
    assert "did not end within" in devices._trial_in_child(sys.executable, "x.onnx", Told())
    assert time.monotonic() - started < 10


def test_a_trial_is_cancelled_at_once(monkeypatch):
    monkeypatch.setattr(devices, "TRIAL_SCRIPT", "import time; time.sleep(60)")
    impatient = Told()
    impatient.cancelled = lambda: True
    started = time.monotonic()
    with pytest.raises(Cancelled):
        devices._trial_in_child(sys.executable, "x.onnx", impatient)
    assert time.monotonic() - started < 1.0


def test_the_trial_runs_once_for_each_version(monkeypatch):
    calls = []
    monkeypatch.setattr(ort, "get_available_providers", lambda: [devices.CUDA, devices.CPU])
    monkeypatch.setattr(devices, "_verdicts", {})
    monkeypatch.setattr(devices, "_trial", lambda progress: calls.append(1) or "no card")
    assert [devices.cuda_problem(), devices.cuda_problem()] == ["no card", "no card"] and len(calls) == 1


def test_a_trial_that_crashes_is_survived(monkeypatch):
    monkeypatch.setattr(devices, "TRIAL_SCRIPT", "import os; os.abort()")
    assert devices._trial_in_child(sys.executable, "x.onnx", Told()).startswith("a trial on CUDA failed: exit code")


def test_the_trial_graph_is_what_it_says():
    """Nine ones under a kernel of ones, by the runtime and by the child's script with CUDA taken out."""
    image = np.ones((1, 1, 4, 4), np.float32)
    result = ort.InferenceSession(devices.trial_model(), providers=[devices.CPU]).run(None, {"image": image})[0]
    np.testing.assert_array_equal(result, np.full((1, 1, 2, 2), 9, np.float32))


def test_the_script_of_the_trial_passes_where_the_provider_works(tmp_path, monkeypatch):
    """The script itself is right: with the CPU in CUDA's place it passes."""
    model = tmp_path / "trial.onnx"
    model.write_bytes(devices.trial_model())
    monkeypatch.setattr(devices, "TRIAL_SCRIPT", devices.TRIAL_SCRIPT.replace(devices.CUDA, devices.CPU))
    assert devices._trial_in_child(sys.executable, str(model), Told()) is None


def test_qgis_is_never_started_as_an_interpreter(tmp_path, monkeypatch):
    program = tmp_path / "qgis-bin.exe"
    program.write_text("")
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_exec_prefix", str(tmp_path))
    assert devices.safe_interpreter() is None
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").write_text("")
    assert devices.safe_interpreter() == str(folder / "python3")


def test_a_run_ends_soon_after_it_is_told_to(slow):
    session = open_session(slow, "cpu")
    told = []

    def stop():
        time.sleep(0.3)
        told.append(time.monotonic())
        session.terminate()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Cancelled):
        session.run({"x": np.ones((1500, 1500), np.float32)})
    seconds = time.monotonic() - told[0]
    thread.join()
    assert seconds < 0.9
    with pytest.raises(Cancelled):
        session.run({"x": np.ones((1500, 1500), np.float32)})


@pytest.mark.parametrize("spoil, words", [
    (lambda data: data[:len(data) // 2], "truncated|sound|damaged"),
    (lambda data: b"", "empty"),
    (lambda data: b"GIF89a" + data, "sound|truncated|ONNX"),
])
def test_broken_files_are_refused_in_words(product, spoil, words):
    product.write_bytes(spoil(product.read_bytes()))
    with pytest.raises(ModelError, match=words) as caught:
        open_session(product, "cpu")
    assert str(product) in str(caught.value)


def test_a_missing_file_and_a_wrong_checksum_are_named(product, tmp_path):
    with pytest.raises(ModelError, match="There is no encoder file .*nowhere.onnx"):
        open_session(tmp_path / "nowhere.onnx", "cpu")
    with pytest.raises(ModelError, match="is not the file its card describes"):
        open_session(product, "cpu", checksum="0" * 64)
    open_session(product, "cpu", checksum=sha256(product)).close()
    with pytest.raises(DeviceError, match="auto or cpu or cuda"):
        open_session(product, "tpu")


def test_unsupported_opset_and_operations_are_named(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is needed to write odd graphs")
    from onnx import TensorProto, helper

    def save(node, opset=17):
        value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "ab"]
        graph = helper.make_graph([node], "g", value[:1], value[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        onnx.save(model, str(tmp_path / "odd.onnx"))
        return tmp_path / "odd.onnx"

    with pytest.raises(ModelError, match="99"):
        open_session(save(helper.make_node("Relu", ["a"], ["b"]), 99), "cpu")
    with pytest.raises(ModelError, match="operation .*Nope"):
        open_session(save(helper.make_node("Nope", ["a"], ["b"])), "cpu")


def test_wrong_feeds_are_named(product):
    session = open_session(product, "cpu")
    with pytest.raises(ModelError, match="takes any × 3 for its input x but was given 2 × 4"):
        session.run({"x": np.ones((2, 4), np.float32)})
    with pytest.raises(ModelError, match="takes float32 for its input x but its card says float64"):
        session.run({"x": np.ones((2, 3))})
    with pytest.raises(ModelError, match="has an input x that its card doesn't explain"):
        session.run({})
    with pytest.raises(ModelError, match="describes an input mask, but the graph only has x"):
        session.run({"x": np.ones((2, 3), np.float32), "mask": np.ones(1)})
    with pytest.raises(ModelError, match="describes an output vectors, but the graph only has y, z"):
        session.run({"x": np.ones((2, 3), np.float32)}, ["vectors"])


@pytest.mark.parametrize("text, kind, words", [
    ("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. "
     "Name:'a' Status Message: std::bad_alloc", OutOfMemory, "ran out of memory"),
    ("[ONNXRuntimeError] : 1 : FAIL : CUDA failure 2: out of memory ; GPU=0", OutOfMemory, "ran out of memory"),
    ("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : /src/bfc_arena.cc:376 void* onnxruntime::BFCArena::"
     "AllocateRawInternal(size_t, bool) Failed to allocate memory for requested buffer of size 268435456", OutOfMemory,
     "ran out of memory"),
    ("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running Conv node. Name:'a' "
     "Status Message: Invalid input shape: {5,5}", ModelError, r"input of x 2 × 3 \(Invalid input shape: \{5,5\}\)"),
])
def test_what_the_runtime_says_of_a_run_becomes_a_sentence(text, kind, words):
    error = run_error(Path("e.onnx"), RuntimeError(text), {"x": np.ones((2, 3))})
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error


@pytest.mark.parametrize("text, words", [
    ("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from e.onnx failed:Protobuf parsing failed.",
     "incomplete"),
    ("[ONNXRuntimeError] : 1 : FAIL : Load model from e.onnx failed:/src/onnxruntime/core/graph/model.cc:256 "
     "onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&) Unsupported model IR "
     "version: 99, max supported IR version: 13\n",
     r"newer onnxruntime than the 1.2 here \(Unsupported model IR version: 99, max supported IR version: 13\)"),
    ("[ONNXRuntimeError] : 1 : FAIL : Load model from e.onnx failed:Fatal error: x.y:Foo(-1) is not a registered "
     "function/op", "uses an operation .*x.y:Foo"),
    ("something else entirely", r"can't be opened \(something else entirely\)"),
])
def test_what_the_runtime_says_of_a_file_becomes_a_sentence(text, words):
    with pytest.raises(ModelError, match=words):
        raise open_error(Path("e.onnx"), RuntimeError(text), "1.2")


def test_memory_that_runs_out_is_told_from_other_failures(tmp_path):
    """A process with little address space gets OutOfMemory, not a crash or another sentence."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the limit of the address space is set in Linux's way")
    graph = OnnxGraph("wide")
    graph.input("x", ["n", 1])
    graph.weight("w", np.ones((1, 1024), np.float32))
    graph.node("MatMul", ["x", "w"], "y")
    graph.node("Sin", ["y"], "z")
    graph.output("z", ["n", 1024])
    path = write(tmp_path / "wide.onnx", graph)
    code = (
        "import resource, sys, numpy as np\n"
        "from earthprint.engine.encoders.session import OutOfMemory, open_session\n"
        "session = open_session(sys.argv[1], 'cpu', threads=1)\n"
        "session.run({'x': np.ones((10, 1), np.float32)})\n"
        "x = np.ones((400_000, 1), np.float32)\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 2 ** 28, size + 2 ** 28))\n"
        "try:\n"
        "    session.run({'x': x})\n"
        "except OutOfMemory as error:\n"
        "    print('told:', error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False,
                          cwd=Path(__file__).parents[2] / "build")
    assert "told: The encoder" in done.stdout and "smaller tile or batch" in done.stdout, done.stderr


def test_without_the_runtime_simple_graphs_still_run(tmp_path, monkeypatch):
    """Graphs of the operations that we know go through NumPy, others ask for the package."""
    def missing(name):
        raise PackageError("package-missing", "onnxruntime is not here")

    graph = OnnxGraph("simple")
    graph.input("image", ["n", 2, "h", "w"])
    graph.weight("kernel", np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2))
    graph.node("Conv", ["image", "kernel"], "sums")
    graph.node("Relu", ["sums"], "kept")
    graph.output("kept", ["n", 1, "r", "c"])
    simple = write(tmp_path / "simple.onnx", graph)
    image = np.random.default_rng(3).normal(size=(2, 2, 9, 7)).astype(np.float32)
    expected = open_session(simple, "cpu").run({"image": image})[0]
    monkeypatch.setattr(sessions.packages, "require", missing)
    session = open_session(simple, "auto")
    assert session.device == "cpu" and "NumPy" in session.device_report
    np.testing.assert_allclose(session.run({"image": image})[0], expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(PackageError, match="not here"):
        open_session(simple, "cuda")
    session.terminate()
    with pytest.raises(Cancelled):
        session.run({"image": image})
    odd = OnnxGraph("odd")
    odd.input("x", ["n", 3])
    odd.node("Softplus", ["x"], "y")
    odd.output("y", ["n", 3])
    with pytest.raises(PackageError, match="not here"):
        open_session(write(tmp_path / "odd.onnx", odd), "auto")
