module meshops.mesh/bench/tools/floor

go 1.26.0
