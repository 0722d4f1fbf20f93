"""A minimal LLaMA: RMSNorm, RoPE over half-split pairs, grouped-query attention, SwiGLU, tied head.

Parameter names are those of Hugging Face's LlamaForCausalLM, so state_dict() is the checkpoint.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK = 32  # weights that share one scale and minimum when packed


@dataclass(frozen=True)
class Shape:
    """Dimensions; hidden and ffn are multiples of 32, head_dim of 8, so that no packed tile is padded."""

    vocab: int = 2048
    hidden: int = 192
    layers: int = 4
    heads: int = 6
    kv_heads: int = 2
    head_dim: int = 32
    ffn: int = 416
    context: int = 512
    rope_base: float = 10000.0
    eps: float = 1e-5


def round_q4(weight: Tensor) -> Tensor:
    """(rows, cols) as stored in INT4: f16 scale and minimum for every 32 columns, codes 0..15."""
    groups = weight.view(weight.shape[0], -1, BLOCK)
    low, high = groups.aminmax(dim=-1, keepdim=True)
    scale = ((high - low) / 15).half().float().clamp(min=1e-8)
    low = low.half().float()
    codes = ((groups - low) / scale).round().clamp(0, 15)
    return (codes * scale + low).view_as(weight)


def round_q8(weight: Tensor) -> Tensor:
    """(rows, cols) as stored in INT8: f16 scale for every 32 columns, codes -127..127."""
    groups = weight.view(weight.shape[0], -1, BLOCK)
    scale = (groups.abs().amax(dim=-1, keepdim=True) / 127).half().float().clamp(min=1e-8)
    return ((groups / scale).round().clamp(-127, 127) * scale).view_as(weight)


class Matrix(nn.Linear):
    """A layer's matrix. With `rounded` the forward pass sees INT4 weights and the gradient passes straight through."""

    def __init__(self, cols: int, rows: int):
        super().__init__(cols, rows, bias=False)
        self.rounded = False

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if self.rounded:
            weight = weight + (round_q4(weight.detach()) - weight.detach())
        return F.linear(x, weight)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x: (batch, heads, time, head_dim); pair i is (i, i + head_dim / 2)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.q_proj = Matrix(shape.hidden, shape.heads * shape.head_dim)
        self.k_proj = Matrix(shape.hidden, shape.kv_heads * shape.head_dim)
        self.v_proj = Matrix(shape.hidden, shape.kv_heads * shape.head_dim)
        self.o_proj = Matrix(shape.heads * shape.head_dim, shape.hidden)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, time, _ = x.shape
        share = self.shape.heads // self.shape.kv_heads

        def split(y: Tensor) -> Tensor:
            return y.view(batch, time, -1, self.shape.head_dim).transpose(1, 2)

        q = rotate(split(self.q_proj(x)), cos, sin)
        k = rotate(split(self.k_proj(x)), cos, sin).repeat_interleave(share, dim=1)
        v = split(self.v_proj(x)).repeat_interleave(share, dim=1)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, time, -1))


class Mlp(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.gate_proj = Matrix(shape.hidden, shape.ffn)
        self.up_proj = Matrix(shape.hidden, shape.ffn)
        self.down_proj = Matrix(shape.ffn, shape.hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.hidden, shape.eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden, shape.eps)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden, shape.eps)


class Llama(nn.Module):
    """ids (batch, time) to logits (batch, time, vocab)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        half = shape.head_dim // 2
        frequency = shape.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = torch.outer(torch.arange(shape.context, dtype=torch.float64), frequency)
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # What a layer adds to the stream starts smaller, so that the stream does not grow with depth.
                adds = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 if adds else 0.05)

    def forward(self, ids: Tensor) -> Tensor:
        time = ids.shape[1]
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, self.cos[:time], self.sin[:time])
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)

    def set_rounded(self, rounded: bool) -> None:
        """Whether the layers' matrices are seen as INT4 from now on."""
        for module in self.modules():
            if isinstance(module, Matrix):
                module.rounded = rounded

    def packed_bytes(self) -> int:
        """Bytes of weights once packed: INT4 layers, INT8 embedding, f32 norms."""
        total = 0
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                total += weight.numel() * 4
            elif "embed" in name:
                total += weight.numel() * (BLOCK + 2) // BLOCK
            else:
                total += weight.numel() * (BLOCK // 2 + 4) // BLOCK
        return total
