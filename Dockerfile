# syntax=docker/dockerfile:1

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /out/postrider ./cmd/postrider && mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/postrider /usr/local/bin/postrider
# A new volume takes over the owner of the directory that it is mounted on.
COPY --from=build --chown=65532:65532 --chmod=0700 /out/data /data
USER 65532:65532
ENV POSTRIDER_LISTEN=0.0.0.0:8080 \
    POSTRIDER_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
# SIGTERM lets attempts in flight end; give them 45 s before SIGKILL (docs/operations.md, Shutdown).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["/usr/local/bin/postrider", "health"]
ENTRYPOINT ["/usr/local/bin/postrider"]
CMD ["serve"]
