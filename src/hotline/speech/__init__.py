"""Speech: turns the domain's phrases into sound files, from the shipped pack or a voice."""
