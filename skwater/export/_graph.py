"""Torch modules as ONNX graphs, and the loop over the frames as one operation."""

import warnings

import torch

from ..nn._recurrent_net import RecurrentNet
from ._modules import AfterScan, BeforeScan, ScanBody, SequenceModel, StepModel

OPSET = 18


def step_graph(preparation, net, frame):
    """Graph of one step: (frame, state_0, ...) -> (probabilities, new_state_0, ...)."""
    state = _some_state(preparation, net, frame)
    names = [f"state_{k}" for k in range(len(state))]
    outputs = ["probabilities", *(f"new_{name}" for name in names)]
    return _trace(StepModel(preparation, net), (frame, *state), ["frame", *names], outputs)


def sequence_graph(preparation, net, frames):
    """Graph of whole sequences: frames -> probabilities."""
    if not isinstance(net, RecurrentNet):
        model = SequenceModel(preparation, net)
        return _trace(model, (frames,), ["frames"], ["probabilities"])
    return _scan_graph(preparation, net, frames)


def _some_state(preparation, net, frames):
    """A state of the network, for its shape."""
    with torch.no_grad():
        return net.step(preparation(frames)[0][:, 0], None)[1]


def _scan_graph(preparation, net, frames):
    """Graph with one Scan over the frames: copies of a step would make it large."""
    from onnx import helper
    from onnx.compose import add_prefix_graph

    state = _some_state(preparation, net, frames)
    first = [f"first_{k}" for k in range(len(state))]
    last = [f"last_{k}" for k in range(len(state))]
    before = BeforeScan(preparation, state)
    unusable, x, *_ = before(frames)
    graph = _trace(before, (frames,), ["frames"], ["unusable", "x", *first])
    body = _trace(ScanBody(net), (x[:, 0], *state), ["x", *first], last)
    after = _trace(AfterScan(net), (unusable, state[-2]), ["unusable", "hidden"], ["result"])
    body, after = add_prefix_graph(body, "step."), add_prefix_graph(after, "head.")
    inputs = list(body.input)
    del body.input[:]
    body.input.extend([*inputs[1:], inputs[0]])  # Scan wants the frame last
    scan = helper.make_node(
        "Scan", [*first, "x"], last, body=body, num_scan_inputs=1, scan_input_axes=[1]
    )
    join = [
        helper.make_node("Identity", ["unusable"], ["head.unusable"]),
        helper.make_node("Identity", [last[-2]], ["head.hidden"]),
    ]
    end = helper.make_node("Identity", ["head.result"], ["probabilities"])
    graph.node.extend([scan, *join, *after.node, end])
    graph.initializer.extend(after.initializer)
    del graph.output[:]
    graph.output.extend(after.output)
    graph.output[0].name = "probabilities"
    return graph


def _trace(module, example, inputs, outputs):
    """Graph of a module whose inputs and outputs have the samples on their first axis."""
    n_samples = torch.export.Dim("n_samples")
    first, *others = [{0: n_samples}] * len(example)
    takes_more = isinstance(module, StepModel | ScanBody)  # by *state
    shapes = (first, tuple(others)) if takes_more else (first, *others)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about itself
            program = torch.onnx.export(
                module.eval(),
                example,
                input_names=inputs,
                output_names=outputs,
                dynamic_shapes=shapes,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        name = type(getattr(module, "net", module)).__name__
        raise ValueError(
            f"{name} cannot be exported, because torch cannot trace it: its operations must not "
            f"depend on the values of the frames or on the number of samples."
        ) from error
    return _without_notes(program.model_proto.graph)


def _without_notes(graph):
    """The graph without what the exporter writes about itself, which is half of the file."""
    del graph.value_info[:]
    for part in [graph, *graph.node, *graph.initializer, *graph.input, *graph.output]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "n_samples"
    return graph
